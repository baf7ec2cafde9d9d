"""Alembic's environment: migrations run on a connection that `migrate` opened."""

from alembic import context

from sarau.catalog.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    # A lock that one migration takes must not be held while the next one works.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
