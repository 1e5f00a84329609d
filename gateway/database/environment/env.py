"""Run by Alembic: the caller's connection and transaction, whichever component's migrations."""

from alembic import context

_given = context.config.attributes

context.configure(
    connection=_given["connection"],
    version_table=_given["version_table"],
    render_as_batch=True,
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
