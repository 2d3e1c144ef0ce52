"""The observer of an audit: it is notified of the progress, and may stop the audit."""

from iqaudit._core.collection import Pictures


class Observer:
    """An observer that passes nothing on, and stops nothing; the base of those that do.

    Attributes
    ----------
    stopping : bool
        Whether the audit is to stop between two queries.
    """

    stopping = False

    def finds(self, pictures: Pictures) -> None:
        """Take note of the pictures, each read when it is asked for, before a victim is asked."""
        for sentence in pictures.skipped:
            self.says(sentence)

    def begins(self, pictures: int, queries: int, finished: int) -> None:
        """Take note of the beginning.

        Parameters
        ----------
        pictures : int
            The searches: every cell's pictures.
        queries : int
            Their mean budget.
        finished : int
            Those that are at their end already.
        """

    def says(self, sentence: str) -> None:
        """Take note of a sentence that readers of the results must know."""

    def recalled(self, cell: str, picture: str, queries: int) -> None:
        """Take note of the queries that a picture had before this start.

        Parameters
        ----------
        cell : str
            The cell's folder.
        picture : str
            The picture's name.
        queries : int
            How many.
        """

    def answered(self, cell: str, picture: str, queries: int) -> None:
        """Take note of an answer on a picture.

        Parameters
        ----------
        cell : str
            The cell's folder.
        picture : str
            The picture's name.
        queries : int
            How many it has had by now.
        """

    def ended(self, cell: str, picture: str) -> None:
        """Take note of a picture's end, which may come before its budget is spent.

        Parameters
        ----------
        cell : str
            The cell's folder.
        picture : str
            The picture's name.
        """
