"""Rows put in the place of rows, on both databases."""

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, select

from shared.databases import open_database, upsert

# Both names are words of SQL, as the table `offset` of those who listen is.
COUNTS = Table(
    "offset",
    MetaData(),
    Column("order", String, primary_key=True),
    Column("limit", Integer, nullable=False),
)
COLUMNS = ("order", "limit")


async def test_a_table_named_like_a_word_of_sql_takes_rows_replaces_them_and_adds_to_them(
    database_url: str,
) -> None:
    database = open_database(database_url)

    def work(connection: Connection) -> list[tuple[str, int]]:
        COUNTS.create(connection)
        upsert(connection, COUNTS, COLUMNS, [("a", 1), ("b", 2)])
        upsert(connection, COUNTS, COLUMNS, [("a", 5), ("c", 3)])
        upsert(connection, COUNTS, COLUMNS, [("b", 40)], adding=True)
        found = connection.execute(select(COUNTS).order_by(COUNTS.c.order))
        return [(row[0], row[1]) for row in found]

    try:
        assert await database.write(work) == [("a", 5), ("b", 42), ("c", 3)]
    finally:
        await database.close()
