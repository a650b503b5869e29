"""A text that shows what tokenizers differ in, for where there is no other."""

SAMPLE = """\
The quick brown fox jumps over the lazy dog. It wasn't the fox's first jump, they'd say.

def mean(values: list[float]) -> float:
    \"\"\"Return the arithmetic mean.\"\"\"
    if not values:
        raise ValueError("no values")
    return sum(values) / len(values)  # 0.1 + 0.2 != 0.3

if x == 1:
\treturn y

1 12 123 1234 12345 3.14159 2,718,281 2026-11-21 0xFF 1e-9

Größe, façade, naïve café; Ελληνικά; Русский текст; Tiếng Việt
你好，世界。 こんにちは世界 안녕하세요 नमस्ते दुनिया สวัสดีชาวโลก
مرحبا بالعالم שלום עולם

🙂 👍🏽 👩‍👩‍👧 🇫🇷 ½ ∑ → €
"""
"""English, code, tabs, numbers, other scripts, two that run from right to left, and emoji."""
