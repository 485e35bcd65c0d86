-- +goose Up

-- Under which role the caller acts; the API sets it with the subject, and unset means none. What a records officer or an auditor may see
-- does not come from a service.
CREATE FUNCTION caller_role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('cmhf.role', true), '');
GRANT EXECUTE ON FUNCTION caller_role TO cmhf_app;

-- Two records of one person: one is merged into the other, the canonical one, which answers for both. Every row keeps its id and its
-- person, so that taking the records apart again restores exactly what was. Merges are one deep: nothing is merged into a merged record,
-- and a record that others are merged into is itself merged into none.
ALTER TABLE people
    ADD COLUMN merged_into uuid REFERENCES people CHECK (merged_into <> id),
    ADD COLUMN merged_at timestamptz,
    ADD CONSTRAINT merged_whole CHECK ((merged_into IS NULL) = (merged_at IS NULL));
CREATE INDEX people_merged_into ON people (merged_into) WHERE merged_into IS NOT NULL;
GRANT SELECT (merged_into, merged_at) ON people TO cmhf_app;

-- The canonical record and all that are merged into it, as far as the caller may see them, for the id of any of them.
CREATE FUNCTION records_of(p_person uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE ROWS 2 AS $$
    WITH canonical AS (SELECT coalesce(merged_into, id) AS id FROM people WHERE id = p_person)
    SELECT p.id FROM people p, canonical c WHERE p.id = c.id OR p.merged_into = c.id
$$;
GRANT EXECUTE ON FUNCTION records_of TO cmhf_app;

-- +goose StatementBegin
-- What changes a part of any record of a person changes the canonical one: that is the record that is read, and its version is asked for.
CREATE OR REPLACE FUNCTION person_part_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE people SET version = version + 1 WHERE id = (SELECT coalesce(merged_into, id) FROM people WHERE id = NEW.person_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- As before, for all records of the person, in the order in which a merge locks them. Records that are merged, or taken apart, while this
-- waits are looked at again, and so is whether the caller still sees the person.
CREATE OR REPLACE FUNCTION lock_person(p_person uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    records uuid[];
BEGIN
    LOOP
        IF NOT caller_sees(p_person) THEN RETURN NULL; END IF;
        EXIT WHEN records = ARRAY(SELECT records_of(p_person) ORDER BY 1);
        records := ARRAY(SELECT records_of(p_person) ORDER BY 1);
        PERFORM FROM people WHERE id = ANY (records) ORDER BY id FOR UPDATE;
    END LOOP;
    RETURN (SELECT version FROM people WHERE id = (SELECT coalesce(merged_into, id) FROM people WHERE id = p_person));
END $$;
-- +goose StatementEnd

CREATE TABLE people_merges (
    id             uuid PRIMARY KEY,
    merged_id      uuid NOT NULL REFERENCES people,
    canonical_id   uuid NOT NULL REFERENCES people,
    merged_by      text NOT NULL,
    merged_at      timestamptz NOT NULL DEFAULT now(),
    unmerged_by    text,
    unmerged_at    timestamptz,
    unmerge_reason text CHECK (unmerge_reason IN ('DifferentPeople', 'MergedInError')),
    CHECK (merged_id <> canonical_id),
    CHECK ((unmerged_at IS NULL) = (unmerged_by IS NULL) AND (unmerged_at IS NULL) = (unmerge_reason IS NULL))
);
CREATE UNIQUE INDEX people_merges_in_force ON people_merges (merged_id) WHERE unmerged_at IS NULL;
CREATE INDEX people_merges_canonical ON people_merges (canonical_id);

-- Errors of class CM that this and the next migrations add:
--   CM020 two records cannot be merged, or taken apart; DETAIL says why    CM021 a merged record begins nothing
--   CM022 a decision about a pair does not fit; DETAIL says why            CM023 a death cannot be recorded or reversed; DETAIL says why
--   CM024 a part of a record cannot be retracted; DETAIL says why          CM025 a referral corrects one that it may not
--   CM026 a record cannot be disposed of; DETAIL says why

-- +goose StatementBegin
CREATE FUNCTION merge_allowed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    merged people;
    canonical people;
    refused text;
BEGIN
    PERFORM 1 FROM people WHERE id IN (NEW.merged_id, NEW.canonical_id) ORDER BY id FOR UPDATE;
    SELECT * INTO merged FROM people WHERE id = NEW.merged_id;
    SELECT * INTO canonical FROM people WHERE id = NEW.canonical_id;
    refused := CASE
        WHEN NEW.merged_id = NEW.canonical_id THEN 'same-record'
        WHEN merged.id IS NULL OR canonical.id IS NULL THEN 'unknown'
        WHEN merged.merged_into IS NOT NULL OR canonical.merged_into IS NOT NULL THEN 'merged-already'
        WHEN EXISTS (SELECT FROM people WHERE merged_into = merged.id) THEN 'has-merged-records'
        WHEN merged.nhs_number <> canonical.nhs_number THEN 'numbers-differ'
        -- The canonical record must be the one that a search by number and the next referral find.
        WHEN canonical.matching = 'Queued' OR (merged.nhs_number IS NOT NULL AND canonical.nhs_number IS NULL) THEN 'number-would-be-lost'
        WHEN merged.died_on IS DISTINCT FROM canonical.died_on THEN 'deaths-differ' END;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM020', MESSAGE = 'the records cannot be merged', DETAIL = refused;
    END IF;
    NEW.merged_at := now();
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER merge_allowed BEFORE INSERT ON people_merges FOR EACH ROW EXECUTE FUNCTION merge_allowed();

-- Access that a record gives because it is one person's with another record: shared_from is the record it comes from. Each record of a
-- person gives whoever may see one of them sight of all, so that no policy has to follow the links.
ALTER TABLE person_access ADD COLUMN shared_from uuid REFERENCES people;
CREATE INDEX person_access_shared ON person_access (shared_from) WHERE shared_from IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION merge_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- The moment is that of the lock: whoever wrote to the canonical record later had both before them.
    UPDATE people SET merged_into = NEW.canonical_id, merged_at = clock_timestamp() WHERE id = NEW.merged_id;
    UPDATE people SET version = version WHERE id = NEW.canonical_id; -- it reads differently now
    INSERT INTO person_access (person_id, service_id, why, source_id, since, until, shared_from)
    SELECT other.id, a.service_id, a.why, a.source_id, a.since, a.until, a.person_id
    FROM records_of(NEW.canonical_id) own (id)
    JOIN person_access a ON a.person_id = own.id AND a.shared_from IS NULL
    JOIN records_of(NEW.canonical_id) other (id) ON other.id <> own.id
    WHERE own.id = NEW.merged_id OR other.id = NEW.merged_id;
    -- Pairs that this settles too. A decision about a pair has settled its own already.
    UPDATE matching_queue SET decision = 'SamePerson', decided_by = NEW.merged_by
    WHERE settled_at IS NULL AND person_id IN (SELECT records_of(NEW.canonical_id)) AND candidate_person_id IN (SELECT records_of(NEW.canonical_id));
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER merge_recorded AFTER INSERT ON people_merges FOR EACH ROW EXECUTE FUNCTION merge_recorded();

-- +goose StatementBegin
CREATE FUNCTION unmerge_allowed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.unmerged_at IS NOT NULL OR (NEW.id, NEW.merged_id, NEW.canonical_id, NEW.merged_by, NEW.merged_at)
                                      IS DISTINCT FROM (OLD.id, OLD.merged_id, OLD.canonical_id, OLD.merged_by, OLD.merged_at) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM020', MESSAGE = 'a merge is ended once and not changed', DETAIL = 'not-merged';
    END IF;
    PERFORM 1 FROM people WHERE id IN (OLD.merged_id, OLD.canonical_id) ORDER BY id FOR UPDATE;
    NEW.unmerged_at := now();
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER unmerge_allowed BEFORE UPDATE ON people_merges FOR EACH ROW EXECUTE FUNCTION unmerge_allowed();

-- +goose StatementBegin
CREATE FUNCTION unmerge_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- The question whether they are one person is open again where it was asked.
    UPDATE matching_queue SET decision = NULL, decided_by = NULL, settled_at = NULL, canonical_id = NULL
    WHERE decision = 'SamePerson' AND NEW.merged_id IN (person_id, candidate_person_id)
      AND person_id IN (SELECT records_of(NEW.canonical_id)) AND candidate_person_id IN (SELECT records_of(NEW.canonical_id));
    DELETE FROM person_access WHERE shared_from IS NOT NULL AND (person_id = NEW.merged_id OR shared_from = NEW.merged_id);
    UPDATE people SET merged_into = NULL, merged_at = NULL WHERE id = NEW.merged_id;
    UPDATE people SET version = version WHERE id = NEW.canonical_id;
    -- Its number may have become somebody else's meanwhile.
    INSERT INTO matching_queue (person_id, candidate_person_id, why)
    SELECT p.id, holder.id, 'DetailsDiffer' FROM people p JOIN people holder ON holder.nhs_number = p.nhs_number AND holder.matching = 'Settled'
    WHERE p.id = NEW.merged_id AND p.matching = 'Queued'
    ON CONFLICT (person_id, candidate_person_id) DO NOTHING;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER unmerge_recorded AFTER UPDATE ON people_merges FOR EACH ROW EXECUTE FUNCTION unmerge_recorded();

-- +goose StatementBegin
-- Access that begins, changes or ends while records are merged does so for all of them.
CREATE FUNCTION access_shared() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO person_access (person_id, service_id, why, source_id, since, until, shared_from)
        SELECT other.id, NEW.service_id, NEW.why, NEW.source_id, NEW.since, NEW.until, NEW.person_id
        FROM records_of(NEW.person_id) other (id) WHERE other.id <> NEW.person_id;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE person_access SET until = NEW.until
        WHERE source_id = NEW.source_id AND service_id = NEW.service_id AND shared_from = NEW.person_id AND until IS DISTINCT FROM NEW.until;
    ELSE
        DELETE FROM person_access WHERE source_id = OLD.source_id AND service_id = OLD.service_id AND shared_from = OLD.person_id;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER access_shared AFTER INSERT ON person_access FOR EACH ROW WHEN (NEW.shared_from IS NULL) EXECUTE FUNCTION access_shared();
CREATE TRIGGER access_change_shared AFTER UPDATE ON person_access FOR EACH ROW
    WHEN (NEW.shared_from IS NULL AND NEW.until IS DISTINCT FROM OLD.until) EXECUTE FUNCTION access_shared();
CREATE TRIGGER access_end_shared AFTER DELETE ON person_access FOR EACH ROW WHEN (OLD.shared_from IS NULL) EXECUTE FUNCTION access_shared();

-- +goose StatementBegin
-- What is begun for a merged record is begun for the canonical one. It may stand on any table whose rows name a person and nothing else
-- that the person would have to agree with.
CREATE FUNCTION canonical_person() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    canonical uuid := (SELECT merged_into FROM people WHERE id = NEW.person_id FOR SHARE);
BEGIN
    IF canonical IS NOT NULL THEN
        IF current_setting('cmhf.admitted_person', true) = NEW.person_id::text THEN
            PERFORM set_config('cmhf.admitted_person', canonical::text, true);
        END IF;
        NEW.person_id := canonical;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER canonical_person BEFORE INSERT ON referrals    FOR EACH ROW EXECUTE FUNCTION canonical_person();
CREATE TRIGGER canonical_person BEFORE INSERT ON legal_duties FOR EACH ROW EXECUTE FUNCTION canonical_person();

-- +goose StatementBegin
-- An episode belongs to the record of its referral. So a merged record gets one only from a referral that waited there when it was merged.
CREATE FUNCTION merged_record_begins_nothing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (SELECT merged_into FROM people WHERE id = NEW.person_id FOR SHARE) IS NOT NULL
       AND NOT EXISTS (SELECT FROM referrals r WHERE r.person_id = NEW.person_id AND r.service_id = NEW.responsible_service_id AND r.outcome_at IS NULL) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM021', MESSAGE = 'the record is merged into another';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER merged_record_begins_nothing BEFORE INSERT ON episodes FOR EACH ROW EXECUTE FUNCTION merged_record_begins_nothing();

-- +goose StatementBegin
-- A duty towards the person counts whichever of their records it stands in (rule 4).
CREATE FUNCTION duties_of_all_records() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM episodes e JOIN legal_duties d ON d.person_id IN (SELECT records_of(e.person_id))
               WHERE e.id = NEW.episode_id AND d.ended_at IS NULL) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM004', MESSAGE = 'the closure lacks something that rule 4 asks for', DETAIL = 'acceptance';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER duties_of_all_records BEFORE INSERT ON closures FOR EACH ROW
    WHEN (NEW.basis IN ('Choice', 'Holder')) EXECUTE FUNCTION duties_of_all_records();

ALTER POLICY record ON legal_duties
    WITH CHECK (recorded_by = caller_subject()
                AND EXISTS (SELECT FROM episodes e WHERE e.person_id IN (SELECT records_of(legal_duties.person_id)) AND e.state = 'Open'
                            AND e.responsible_service_id = ANY ((SELECT caller_services())::uuid[])));
ALTER POLICY finish ON legal_duties
    USING (ended_at IS NULL
           AND EXISTS (SELECT FROM episodes e WHERE e.person_id IN (SELECT records_of(legal_duties.person_id)) AND e.state = 'Open'
                       AND e.responsible_service_id = ANY ((SELECT caller_services())::uuid[])));

-- +goose StatementBegin
-- As before, and a record that is merged leads to the canonical one while that has the number.
CREATE OR REPLACE FUNCTION find_or_create_person(p_id uuid, p_nhs_number text, p_absent_reason text,
                                                 p_family_name text, p_given_name text, p_birth_date date) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    settled people;
    found uuid;
    letters constant text := '[^[:alpha:]]';
BEGIN
    IF p_nhs_number IS NOT NULL THEN
        -- Two first referrals at once: the second waits here for the first and then finds its record.
        INSERT INTO people (id, nhs_number, family_name, given_name, birth_date)
        VALUES (p_id, p_nhs_number, p_family_name, p_given_name, p_birth_date)
        ON CONFLICT (nhs_number) WHERE matching = 'Settled' DO NOTHING;
        SELECT * INTO STRICT settled FROM people WHERE nhs_number = p_nhs_number AND matching = 'Settled';
        SELECT c.id INTO found FROM people p JOIN people c ON c.id = coalesce(p.merged_into, p.id) AND c.nhs_number = p.nhs_number
        WHERE p.nhs_number = p_nhs_number AND p.birth_date = p_birth_date
          AND lower(regexp_replace(p.family_name, letters, '', 'g')) = lower(regexp_replace(p_family_name, letters, '', 'g'))
          AND lower(left(btrim(p.given_name), 1)) = lower(left(btrim(p_given_name), 1))
        ORDER BY c.matching DESC, p.created_at LIMIT 1;
        IF found IS NULL THEN
            INSERT INTO people (id, nhs_number, matching, family_name, given_name, birth_date)
            VALUES (p_id, p_nhs_number, 'Queued', p_family_name, p_given_name, p_birth_date);
            INSERT INTO matching_queue (person_id, candidate_person_id, why) VALUES (p_id, settled.id, 'DetailsDiffer');
            found := p_id;
        END IF;
    ELSE
        INSERT INTO people (id, nhs_number_absent_reason, family_name, given_name, birth_date)
        VALUES (p_id, p_absent_reason, p_family_name, p_given_name, p_birth_date);
        INSERT INTO matching_queue (person_id, candidate_person_id, why)
        SELECT DISTINCT p_id, coalesce(merged_into, id), 'SameDetailsNoNumber' FROM people
        WHERE id <> p_id AND birth_date = p_birth_date AND lower(family_name) = lower(p_family_name) AND lower(given_name) = lower(p_given_name);
        found := p_id;
    END IF;
    -- The referral that follows in this transaction may name this person although nobody may see the record yet.
    PERFORM set_config('cmhf.admitted_person', found::text, true);
    RETURN found;
END $$;
-- +goose StatementEnd

-- The queue. Its own id tells nothing outside; pairs are named by pair_id.
ALTER TABLE matching_queue
    ADD COLUMN pair_id           uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    ADD COLUMN decision          text CHECK (decision IN ('SamePerson', 'DifferentPeople', 'Superseded')),
    ADD COLUMN decided_by        text,
    ADD COLUMN canonical_id      uuid REFERENCES people,
    ADD COLUMN number_taken_from uuid REFERENCES people,
    ADD COLUMN absent_reason     text CHECK (absent_reason IN ('NotKnownYet', 'NeverIssued', 'Withheld')),
    ADD CONSTRAINT decided_whole CHECK ((decision IS NULL) = (settled_at IS NULL) AND (decision IS NULL) = (decided_by IS NULL)),
    ADD CONSTRAINT number_taken_with_reason CHECK ((number_taken_from IS NULL) = (absent_reason IS NULL));
CREATE INDEX matching_queue_waiting ON matching_queue (created_at DESC, pair_id DESC) WHERE settled_at IS NULL;
CREATE INDEX matching_queue_candidate ON matching_queue (candidate_person_id);

-- +goose StatementBegin
CREATE FUNCTION matching_decision_allowed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    one people;
    other people;
    refused text;
BEGIN
    IF NEW.decision IS NULL THEN RETURN NEW; END IF; -- taken apart again: unmerge_recorded
    PERFORM 1 FROM people WHERE id IN (NEW.person_id, NEW.candidate_person_id) ORDER BY id FOR UPDATE;
    SELECT c.* INTO STRICT one FROM people p JOIN people c ON c.id = coalesce(p.merged_into, p.id) WHERE p.id = NEW.person_id;
    SELECT c.* INTO STRICT other FROM people p JOIN people c ON c.id = coalesce(p.merged_into, p.id) WHERE p.id = NEW.candidate_person_id;
    refused := CASE
        WHEN OLD.settled_at IS NOT NULL THEN 'settled'
        WHEN NEW.decision = 'Superseded' OR one.id = other.id THEN NULL
        WHEN NEW.decision = 'SamePerson' AND (NEW.canonical_id IS NULL OR NEW.canonical_id NOT IN (one.id, other.id) OR NEW.number_taken_from IS NOT NULL) THEN 'canonical'
        WHEN NEW.decision = 'DifferentPeople' AND NEW.canonical_id IS NOT NULL THEN 'canonical'
        WHEN NEW.decision = 'DifferentPeople' AND one.nhs_number = other.nhs_number
             AND (NEW.number_taken_from IS NULL OR NEW.number_taken_from NOT IN (one.id, other.id)) THEN 'number-needed'
        WHEN NEW.decision = 'DifferentPeople' AND one.nhs_number IS DISTINCT FROM other.nhs_number AND NEW.number_taken_from IS NOT NULL THEN 'no-number-to-take'
        WHEN NEW.decision = 'DifferentPeople' AND one.nhs_number IS NULL AND NEW.number_taken_from IS NOT NULL THEN 'no-number-to-take' END;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM022', MESSAGE = 'the decision does not fit the pair', DETAIL = refused;
    END IF;
    NEW.settled_at := now();
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER matching_decision_allowed BEFORE UPDATE ON matching_queue FOR EACH ROW EXECUTE FUNCTION matching_decision_allowed();

-- +goose StatementBegin
CREATE FUNCTION matching_decided() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    one uuid := (SELECT coalesce(merged_into, id) FROM people WHERE id = NEW.person_id);
    other uuid := (SELECT coalesce(merged_into, id) FROM people WHERE id = NEW.candidate_person_id);
    number text;
    keeper uuid;
BEGIN
    IF NEW.decision = 'SamePerson' AND one <> other THEN
        INSERT INTO people_merges (id, merged_id, canonical_id, merged_by)
        VALUES (gen_random_uuid(), CASE NEW.canonical_id WHEN one THEN other ELSE one END, NEW.canonical_id, NEW.decided_by);
    ELSIF NEW.decision = 'DifferentPeople' AND NEW.number_taken_from IS NOT NULL THEN
        keeper := CASE NEW.number_taken_from WHEN one THEN other ELSE one END;
        SELECT nhs_number INTO number FROM people WHERE id = NEW.number_taken_from;
        UPDATE people SET nhs_number = NULL, nhs_number_absent_reason = NEW.absent_reason, matching = 'Settled' WHERE id = NEW.number_taken_from;
        UPDATE people SET matching = 'Settled' WHERE id = keeper AND matching = 'Queued'
            AND NOT EXISTS (SELECT FROM people s WHERE s.nhs_number = number AND s.matching = 'Settled');
        -- Whoever else claims the number is compared with the record that has it now.
        INSERT INTO matching_queue (person_id, candidate_person_id, why)
        SELECT p.id, keeper, 'DetailsDiffer' FROM people p
        WHERE p.nhs_number = number AND p.matching = 'Queued' AND p.merged_into IS NULL AND p.id <> keeper
        ON CONFLICT (person_id, candidate_person_id) DO NOTHING;
        UPDATE matching_queue SET decision = 'Superseded', decided_by = NEW.decided_by
        WHERE settled_at IS NULL AND why = 'DetailsDiffer' AND candidate_person_id = NEW.number_taken_from;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER matching_decided AFTER UPDATE ON matching_queue FOR EACH ROW
    WHEN (OLD.decision IS NULL AND NEW.decision IS NOT NULL) EXECUTE FUNCTION matching_decided();

CREATE FUNCTION person_details(p people) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('id', p.id, 'nhsNumber', p.nhs_number, 'nhsNumberAbsentReason', p.nhs_number_absent_reason,
        'familyName', p.family_name, 'givenName', p.given_name, 'birthDate', p.birth_date, 'diedOn', p.died_on))
$$;

-- Pairs with the details that tell the two apart, for records officers: the one that is asked for, or those that wait, newest first.
CREATE FUNCTION matching_pairs(p_pair uuid, p_at timestamptz, p_after uuid, p_limit integer)
RETURNS TABLE (id uuid, why text, queued_at timestamptz, decision text, person jsonb, candidate jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT q.pair_id, q.why, q.created_at, q.decision, person_details(one), person_details(other)
    FROM matching_queue q
    JOIN people p ON p.id = q.person_id            JOIN people one   ON one.id   = coalesce(p.merged_into, p.id)
    JOIN people c ON c.id = q.candidate_person_id  JOIN people other ON other.id = coalesce(c.merged_into, c.id)
    WHERE caller_role() = 'records-officer'
      AND CASE WHEN p_pair IS NULL THEN q.settled_at IS NULL AND (q.created_at, q.pair_id) < (p_at, p_after) ELSE q.pair_id = p_pair END
    ORDER BY q.created_at DESC, q.pair_id DESC LIMIT p_limit
$$;

ALTER TABLE people_merges ENABLE ROW LEVEL SECURITY;
CREATE POLICY officer ON people_merges FOR SELECT TO cmhf_app USING ((SELECT caller_role()) = 'records-officer');
CREATE POLICY merge ON people_merges FOR INSERT TO cmhf_app WITH CHECK ((SELECT caller_role()) = 'records-officer' AND merged_by = caller_subject());
CREATE POLICY unmerge ON people_merges FOR UPDATE TO cmhf_app USING ((SELECT caller_role()) = 'records-officer')
    WITH CHECK (unmerged_by = caller_subject());
CREATE POLICY officer ON matching_queue FOR SELECT TO cmhf_app USING ((SELECT caller_role()) = 'records-officer');
CREATE POLICY decide ON matching_queue FOR UPDATE TO cmhf_app USING ((SELECT caller_role()) = 'records-officer' AND settled_at IS NULL)
    WITH CHECK (decided_by = caller_subject() AND decision IN ('SamePerson', 'DifferentPeople'));

GRANT SELECT, INSERT (id, merged_id, canonical_id, merged_by), UPDATE (unmerged_by, unmerge_reason) ON people_merges TO cmhf_app;
GRANT EXECUTE ON FUNCTION matching_pairs TO cmhf_app;
GRANT SELECT (pair_id, person_id, candidate_person_id, why, created_at, settled_at, decision, decided_by, canonical_id, number_taken_from, absent_reason),
      UPDATE (decision, decided_by, canonical_id, number_taken_from, absent_reason) ON matching_queue TO cmhf_app;
