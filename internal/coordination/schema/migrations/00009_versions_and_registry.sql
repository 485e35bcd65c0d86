-- +goose Up

-- Each root of a record has a version, which grows when it or any of its parts changes. It is the ETag of the API: who changes a record
-- says which version they have read. Triggers keep it, so a part that is written past the API counts too.
ALTER TABLE people    ADD COLUMN version bigint NOT NULL DEFAULT 1, ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE referrals ADD COLUMN version bigint NOT NULL DEFAULT 1, ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE episodes  ADD COLUMN version bigint NOT NULL DEFAULT 1, ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
GRANT SELECT (version, updated_at) ON people TO cmhf_app;

-- +goose StatementBegin
CREATE FUNCTION next_version() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := now();
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER next_version BEFORE UPDATE ON people    FOR EACH ROW EXECUTE FUNCTION next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON referrals FOR EACH ROW EXECUTE FUNCTION next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON episodes  FOR EACH ROW EXECUTE FUNCTION next_version();

-- A part changed: the version of its root grows. Each kind of root has a function of its own, so that no statement is planned anew for each row.
-- +goose StatementBegin
CREATE FUNCTION person_part_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE people SET version = version + 1 WHERE id = NEW.person_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION episode_part_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE episodes SET version = version + 1 WHERE id = NEW.episode_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON legal_duties   FOR EACH ROW EXECUTE FUNCTION person_part_changed();
CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON reaching_steps FOR EACH ROW EXECUTE FUNCTION episode_part_changed();
CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON return_plans   FOR EACH ROW EXECUTE FUNCTION episode_part_changed();

-- Tables whose rows are part of one person's record and have the columns id and person_id. A new one of that kind is added by the
-- migration that makes it.
CREATE TABLE record_tables (name text PRIMARY KEY);
INSERT INTO record_tables VALUES ('referrals'), ('episodes');

-- +goose StatementBegin
-- Whose record a row is part of, wherever it stands; null when there is no such row.
CREATE FUNCTION person_of(p_resource uuid) RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    registered text;
    person uuid;
BEGIN
    FOR registered IN SELECT name FROM record_tables ORDER BY name LOOP
        EXECUTE format('SELECT person_id FROM %I WHERE id = $1', registered) INTO person USING p_resource;
        IF person IS NOT NULL THEN RETURN person; END IF;
    END LOOP;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit_event_names_person() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.person_id IS NULL AND NEW.resource_id IS NOT NULL THEN
        NEW.person_id := person_of(NEW.resource_id);
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- Why a service sees a person. HandoverOffered: the person is offered to it. HandoverSent: it handed the person over. ReturnPlan: the
-- person may come back to it. Emergency: somebody of it looked without another reason, for a limited time and to be reviewed.
ALTER TABLE person_access DROP CONSTRAINT person_access_why_check,
    ADD CONSTRAINT person_access_why_check CHECK (why IN ('Referral', 'SentReferral', 'Episode', 'HandoverOffered', 'HandoverSent', 'ReturnPlan', 'Emergency'));
