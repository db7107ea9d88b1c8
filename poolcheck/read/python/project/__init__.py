"""What other files of a project tell: lock files, Procfiles, alembic.ini, the templates of AWS Lambda."""
