import io

from groundup.generate import show


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_pieces_come_out_one_by_one_and_are_returned_whole():
    out = io.StringIO()
    seen = []

    def pieces():
        for piece in ("one", " 你好", "\n"):
            yield piece
            seen.append(out.getvalue())

    assert show(pieces(), out) == "one 你好\n"
    assert seen == ["one", "one 你好", "one 你好\n"]


def test_a_model_cannot_command_the_terminal():
    text = "a\x1b[2Jb\x07c\x9b\r\td\n"
    terminal, file = Terminal(), io.StringIO()
    assert show([text], terminal) == show([text], file) == text
    assert terminal.getvalue() == "a�[2Jb�c��\td\n"
    assert file.getvalue() == text
