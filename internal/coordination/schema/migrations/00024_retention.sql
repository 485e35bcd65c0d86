-- +goose Up

-- Records are kept 20 years after the last treatment, or 10 after a death (Records Management Code of Practice), and longer under a legal
-- hold. Nothing is disposed of by itself: one disposal officer asks for it, and another one confirms. What remains are the trail of who
-- used the record, and the disposal itself; both name the record by its id alone.
CREATE TABLE legal_holds (
    id        uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people,
    reason    text NOT NULL CHECK (reason IN ('Litigation', 'Inquiry', 'Inquest', 'Complaint', 'SubjectRequest')),
    placed_by text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now(),
    lifted_by text,
    lifted_at timestamptz,
    CHECK ((lifted_by IS NULL) = (lifted_at IS NULL))
);
CREATE UNIQUE INDEX legal_holds_in_force ON legal_holds (person_id) WHERE lifted_at IS NULL;

-- No reference to people: a disposal outlasts the record.
CREATE TABLE disposals (
    id           uuid PRIMARY KEY,
    person_id    uuid NOT NULL,
    -- All records of the person that went, merged ones included.
    record_ids   uuid[] NOT NULL,
    due_on       date NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    confirmed_by text,
    confirmed_at timestamptz,
    CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL)),
    CONSTRAINT confirmed_by_another CHECK (confirmed_by <> requested_by)
);
CREATE UNIQUE INDEX disposals_requested ON disposals (person_id) WHERE confirmed_at IS NULL;
CREATE INDEX disposals_list ON disposals (requested_at DESC, id DESC);
INSERT INTO record_tables VALUES ('disposals');

-- +goose StatementBegin
-- When a person's time is over, and by which rule; no day while anything is open. A record without any treatment counts from its making.
CREATE FUNCTION retention_of(p_person uuid, OUT due_on date, OUT basis text, OUT held boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    records uuid[] := ARRAY(SELECT records_of(p_person));
    died date := (SELECT max(died_on) FROM people WHERE id = ANY (records));
    last_treated timestamptz;
BEGIN
    held := EXISTS (SELECT FROM legal_holds h WHERE h.person_id = ANY (records) AND h.lifted_at IS NULL);
    IF EXISTS (SELECT FROM episodes e WHERE e.person_id = ANY (records) AND e.state NOT IN ('Closed', 'EnteredInError'))
       OR EXISTS (SELECT FROM referrals r WHERE r.person_id = ANY (records) AND r.outcome_at IS NULL) THEN
        basis := 'Open';
    ELSIF died IS NOT NULL THEN
        basis := 'Death';
        due_on := died + interval '10 years';
    ELSE
        basis := 'LastTreatment';
        SELECT max(at) INTO last_treated FROM (
            SELECT created_at AS at FROM people WHERE id = ANY (records)
            UNION ALL SELECT closed_at FROM episodes WHERE person_id = ANY (records)
            UNION ALL SELECT outcome_at FROM referrals WHERE person_id = ANY (records)) moments;
        due_on := (last_treated AT TIME ZONE 'Europe/London')::date + interval '20 years';
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Deletes rows with all that refers to them, from the leaves on, whatever tables there are by then. p_path are the tables on the way here:
-- one that refers back to itself is emptied in one statement. Anything that still refers to a row makes the whole disposal fail.
CREATE FUNCTION delete_with_parts(p_table regclass, p_condition text, p_path regclass[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    reference record;
BEGIN
    FOR reference IN
        SELECT c.conrelid::regclass AS part,
               (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY k (attnum, n)
                JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum) AS columns,
               (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY k (attnum, n)
                JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum) AS referred
        FROM pg_constraint c WHERE c.contype = 'f' AND c.confrelid = p_table AND c.conrelid <> ALL (p_path || p_table) ORDER BY c.conname
    LOOP
        PERFORM delete_with_parts(reference.part, format('(%s) IN (SELECT %s FROM %s WHERE %s)', reference.columns, reference.referred, p_table, p_condition), p_path || p_table);
    END LOOP;
    EXECUTE format('DELETE FROM %s WHERE %s', p_table, p_condition);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION disposal_allowed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kept record;
    refused text;
BEGIN
    NEW.person_id := coalesce((SELECT coalesce(merged_into, id) FROM people WHERE id = NEW.person_id), NEW.person_id);
    NEW.record_ids := ARRAY(SELECT records_of(NEW.person_id) ORDER BY 1);
    PERFORM 1 FROM people WHERE id = ANY (NEW.record_ids) ORDER BY id FOR UPDATE;
    SELECT * INTO kept FROM retention_of(NEW.person_id);
    refused := CASE
        WHEN NEW.record_ids = '{}' THEN 'unknown'
        WHEN TG_OP = 'UPDATE' AND OLD.confirmed_at IS NOT NULL THEN 'unknown'
        WHEN kept.held THEN 'under-legal-hold'
        WHEN kept.due_on IS NULL THEN 'still-open'
        WHEN kept.due_on > (now() AT TIME ZONE 'Europe/London')::date THEN 'not-due'
        WHEN TG_OP = 'INSERT' AND EXISTS (SELECT FROM disposals d WHERE d.person_id = NEW.person_id AND d.confirmed_at IS NULL) THEN 'requested-already'
        WHEN TG_OP = 'UPDATE' AND NEW.confirmed_by = OLD.requested_by THEN 'same-person' END;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM026', MESSAGE = 'the record cannot be disposed of', DETAIL = refused;
    END IF;
    NEW.due_on := kept.due_on;
    IF TG_OP = 'UPDATE' THEN
        NEW.confirmed_at := now();
        PERFORM delete_with_parts('people', format('id = ANY (%L::uuid[])', NEW.record_ids), '{}');
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER disposal_allowed BEFORE INSERT OR UPDATE ON disposals FOR EACH ROW EXECUTE FUNCTION disposal_allowed();

-- +goose StatementBegin
CREATE FUNCTION hold_of_canonical() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        NEW.lifted_at := now();
        RETURN NEW;
    END IF;
    NEW.person_id := coalesce((SELECT merged_into FROM people WHERE id = NEW.person_id), NEW.person_id);
    IF NOT EXISTS (SELECT FROM people WHERE id = NEW.person_id FOR UPDATE) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM026', MESSAGE = 'there is no such record', DETAIL = 'unknown';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER hold_of_canonical BEFORE INSERT OR UPDATE ON legal_holds FOR EACH ROW EXECUTE FUNCTION hold_of_canonical();

-- What officers see of a record without seeing the record. There is no row for others, and for a person who is not there.
CREATE FUNCTION person_retention(p_person uuid) RETURNS TABLE (person_id uuid, records uuid[], due_on date, basis text, held boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(p.merged_into, p.id), ARRAY(SELECT records_of(p.id)), r.due_on, r.basis, r.held FROM people p, retention_of(p.id) r
    WHERE p.id = p_person AND caller_role() IN ('records-officer', 'disposal-officer')
$$;

-- People whose time is over and who are under no hold. The first condition leaves out nearly everybody cheaply.
CREATE FUNCTION disposals_due(p_at timestamptz, p_after uuid, p_limit integer) RETURNS TABLE (person_id uuid, created_at timestamptz, due_on date, basis text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.id, p.created_at, r.due_on, r.basis FROM people p, retention_of(p.id) r
    WHERE caller_role() = 'disposal-officer' AND p.merged_into IS NULL AND (p.created_at, p.id) < (p_at, p_after)
      AND (p.died_on <= now() - interval '10 years' OR p.created_at <= now() - interval '20 years')
      AND NOT r.held AND r.due_on <= (now() AT TIME ZONE 'Europe/London')::date
    ORDER BY p.created_at DESC, p.id DESC LIMIT p_limit
$$;
GRANT EXECUTE ON FUNCTION person_retention, disposals_due TO cmhf_app;

ALTER TABLE legal_holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE disposals ENABLE ROW LEVEL SECURITY;
CREATE POLICY officers ON legal_holds FOR SELECT TO cmhf_app USING ((SELECT caller_role()) IN ('records-officer', 'disposal-officer'));
CREATE POLICY place ON legal_holds FOR INSERT TO cmhf_app WITH CHECK ((SELECT caller_role()) = 'records-officer' AND placed_by = caller_subject());
CREATE POLICY lift ON legal_holds FOR UPDATE TO cmhf_app USING ((SELECT caller_role()) = 'records-officer' AND lifted_at IS NULL)
    WITH CHECK (lifted_by = caller_subject());
CREATE POLICY officers ON disposals FOR SELECT TO cmhf_app USING ((SELECT caller_role()) IN ('records-officer', 'disposal-officer', 'auditor'));
CREATE POLICY request ON disposals FOR INSERT TO cmhf_app WITH CHECK ((SELECT caller_role()) = 'disposal-officer' AND requested_by = caller_subject());
CREATE POLICY confirm ON disposals FOR UPDATE TO cmhf_app USING ((SELECT caller_role()) = 'disposal-officer' AND confirmed_at IS NULL)
    WITH CHECK (confirmed_by = caller_subject());
GRANT SELECT, INSERT (id, person_id, reason, placed_by), UPDATE (lifted_by) ON legal_holds TO cmhf_app;
GRANT SELECT, INSERT (id, person_id, requested_by), UPDATE (confirmed_by) ON disposals TO cmhf_app;
