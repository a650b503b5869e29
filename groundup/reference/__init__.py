"""The shortest correct version of each algorithm: text of the book, oracle of the tests."""
