"""The observer of an audit: it is notified of the progress, and may stop the audit."""


class Observer:
    """An observer that passes nothing on, and stops nothing; the base of those that do.

    Attributes
    ----------
    stopping : bool
        Whether the audit is to stop between two queries.
    """

    stopping = False

    def begins(self, pictures: int, queries: int, finished: int) -> None:
        """Take note of the number of pictures in all cells, their mean budget, and those done."""

    def says(self, sentence: str) -> None:
        """Take note of a sentence that readers of the results must know."""

    def answered(self, cell: str, picture: str, queries: int) -> None:
        """Take note of how many queries a picture has had."""

    def ended(self, cell: str, picture: str) -> None:
        """Take note of a picture's end, which may come before its budget is spent."""
