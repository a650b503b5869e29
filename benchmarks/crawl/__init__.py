"""What a made-up crawl is made of; synthetic_crawl.py puts it together."""
