-- +goose Up

-- Whose records these are and of which kind: a program of another system, or of the other kind of data, refuses the database. Nothing
-- stands there until the migration has run for a system; a restore into another one writes the new owner's code on purpose.
ALTER TABLE schema_info
    ADD COLUMN ods_code text,
    ADD COLUMN data     text CHECK (data IN ('Live', 'Synthetic')),
    ADD CONSTRAINT holder_is_whole CHECK ((ods_code IS NULL) = (data IS NULL));
