-- +goose Up

-- What was recorded in error, above all in the record of the wrong person: the row stays where it is in the state EnteredInError, leaves
-- lists and figures, and the access that it gave ends. A retraction says so to all who were told of the row, and how many had read it.
CREATE TABLE retractions (
    id           uuid PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('Referral', 'Episode')),
    resource_id  uuid NOT NULL UNIQUE,
    person_id    uuid NOT NULL REFERENCES people,
    reason       text NOT NULL CHECK (reason IN ('WrongPerson', 'RecordedTwice', 'NeverHappened', 'OtherError')),
    readers      integer NOT NULL,
    -- The state and what went with it, as it stood before. Ids, times and codes only.
    before       jsonb NOT NULL,
    retracted_by text NOT NULL,
    retracted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX retractions_list ON retractions (retracted_at DESC, id DESC);
INSERT INTO record_tables VALUES ('retractions');

ALTER TABLE referrals
    DROP CONSTRAINT referrals_state_check,
    ADD CONSTRAINT referrals_state_check CHECK (state IN ('Open', 'Accepted', 'Died', 'EnteredInError')),
    -- The referral that was recorded in error and that this one puts right, most often for the right person. It stands in another record,
    -- which may be disposed of before this one.
    ADD COLUMN correction_of uuid;
CREATE INDEX referrals_correction ON referrals (correction_of) WHERE correction_of IS NOT NULL;
ALTER TABLE episodes
    DROP CONSTRAINT episodes_state_check,
    ADD CONSTRAINT episodes_state_check CHECK (state IN ('Open', 'Closed', 'EnteredInError'));

-- Outcomes are one matter, and putting right what was never so is another: referral_changed judges the first alone, so that the function
-- may be written anew for new outcomes. referral_retracted and referral_reopened judge the second.
CREATE OR REPLACE TRIGGER referral_changed BEFORE UPDATE ON referrals FOR EACH ROW
    WHEN (NEW.state <> 'EnteredInError' AND NOT (OLD.state = 'Died' AND NEW.state <> 'Died')) EXECUTE FUNCTION referral_changed();

-- +goose StatementBegin
CREATE FUNCTION referral_retracted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.id, NEW.person_id, NEW.service_id, NEW.responsible_service_id, NEW.route, NEW.reason, NEW.received_on, NEW.recorded_by, NEW.recorded_at, NEW.correction_of)
       IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.service_id, OLD.responsible_service_id, OLD.route, OLD.reason, OLD.received_on, OLD.recorded_by, OLD.recorded_at, OLD.correction_of)
       OR NOT EXISTS (SELECT FROM retractions x WHERE x.resource_id = NEW.id)
       OR (OLD.state = 'EnteredInError' AND (NEW.episode_id, NEW.outcome_by, NEW.outcome_at) IS DISTINCT FROM (OLD.episode_id, OLD.outcome_by, OLD.outcome_at)) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'a referral is entered in error by a retraction, and then changes no more';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER referral_retracted BEFORE UPDATE ON referrals FOR EACH ROW
    WHEN (NEW.state = 'EnteredInError') EXECUTE FUNCTION referral_retracted();

-- +goose StatementBegin
-- For each person who has had a part of a record before them: who, and how often. Ids only.
CREATE FUNCTION readers_of(p_person uuid, p_resource uuid)
RETURNS TABLE (subject text, clients text[], roles text[], services text[], times bigint, first_at timestamptz, last_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.subject, array_agg(DISTINCT e.client), array_agg(DISTINCT e.role),
           ARRAY(SELECT DISTINCT s.name FROM audit_events o JOIN services s ON s.id = ANY (o.services)
                 WHERE o.person_id = p_person AND o.resource_id = p_resource AND o.outcome = 'Done' AND o.subject = e.subject ORDER BY s.name),
           count(*), min(e.at), max(e.at)
    FROM audit_events e WHERE e.person_id = p_person AND e.resource_id = p_resource AND e.outcome = 'Done'
    GROUP BY e.subject ORDER BY min(e.at)
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION retraction_allowed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    referral referrals;
    episode episodes;
    refused text;
BEGIN
    IF NEW.kind = 'Referral' THEN
        SELECT * INTO referral FROM referrals WHERE id = NEW.resource_id FOR UPDATE;
        NEW.person_id := referral.person_id;
        NEW.before := jsonb_build_object('state', referral.state, 'episodeId', referral.episode_id, 'outcomeBy', referral.outcome_by, 'outcomeAt', referral.outcome_at);
        refused := CASE
            WHEN referral.id IS NULL THEN 'unknown'
            WHEN referral.state = 'EnteredInError' THEN 'retracted-already'
            -- An episode in force always has a referral in force.
            WHEN EXISTS (SELECT FROM episodes e WHERE e.id = referral.episode_id AND e.state <> 'EnteredInError' FOR UPDATE)
                 AND NOT EXISTS (SELECT FROM referrals r WHERE r.episode_id = referral.episode_id AND r.id <> referral.id) THEN 'episode-rests-on-it' END;
    ELSE
        SELECT * INTO episode FROM episodes WHERE id = NEW.resource_id FOR UPDATE;
        NEW.person_id := episode.person_id;
        NEW.before := jsonb_build_object('state', episode.state, 'closedAt', episode.closed_at);
        refused := CASE WHEN episode.id IS NULL THEN 'unknown' WHEN episode.state = 'EnteredInError' THEN 'retracted-already' END;
    END IF;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM024', MESSAGE = 'the record cannot be retracted', DETAIL = refused;
    END IF;
    NEW.readers := (SELECT count(*) FROM readers_of(NEW.person_id, NEW.resource_id));
    NEW.retracted_at := now();
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER retraction_allowed BEFORE INSERT ON retractions FOR EACH ROW EXECUTE FUNCTION retraction_allowed();

-- +goose StatementBegin
CREATE FUNCTION retraction_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.kind = 'Referral' THEN
        UPDATE referrals SET state = 'EnteredInError', episode_id = NULL, outcome_by = NEW.retracted_by, outcome_at = now() WHERE id = NEW.resource_id;
    ELSE
        UPDATE episodes SET state = 'EnteredInError', closed_at = NULL WHERE id = NEW.resource_id;
        -- The referrals that it was opened by, or that were accepted into it, were taken for the same person.
        INSERT INTO retractions (id, kind, resource_id, reason, retracted_by)
        SELECT gen_random_uuid(), 'Referral', id, NEW.reason, NEW.retracted_by FROM referrals WHERE episode_id = NEW.resource_id;
    END IF;
    UPDATE person_access SET until = now() WHERE source_id = NEW.resource_id AND (until IS NULL OR until > now());
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER retraction_recorded AFTER INSERT ON retractions FOR EACH ROW EXECUTE FUNCTION retraction_recorded();

-- +goose StatementBegin
CREATE FUNCTION correction_allowed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- Who names it must have had to do with it: the answer would tell others that it exists.
    IF NOT EXISTS (SELECT FROM referrals r JOIN retractions x ON x.resource_id = r.id
                   WHERE r.id = NEW.correction_of AND (x.retracted_by = caller_subject() OR r.recorded_by = caller_subject()
                         OR r.service_id = ANY (caller_services()) OR r.responsible_service_id = ANY (caller_services()))) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM025', MESSAGE = 'a referral corrects one that was entered in error';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER correction_allowed BEFORE INSERT ON referrals FOR EACH ROW WHEN (NEW.correction_of IS NOT NULL) EXECUTE FUNCTION correction_allowed();
GRANT INSERT (correction_of) ON referrals TO cmhf_app;

-- Who had read what was retracted, for those whose work it is to tell them.
CREATE FUNCTION retraction_readers(p_retraction uuid)
RETURNS TABLE (subject text, clients text[], roles text[], services text[], times bigint, first_at timestamptz, last_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT r.* FROM retractions x, readers_of(x.person_id, x.resource_id) r
    WHERE x.id = p_retraction AND caller_role() IN ('records-officer', 'auditor')
$$;
GRANT EXECUTE ON FUNCTION retraction_readers TO cmhf_app;

ALTER TABLE retractions ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON retractions FOR SELECT TO cmhf_app
    USING ((SELECT caller_role()) IN ('records-officer', 'auditor') OR retracted_by = (SELECT caller_subject()));
CREATE POLICY retract ON retractions FOR INSERT TO cmhf_app
    WITH CHECK (retracted_by = caller_subject()
                AND ((SELECT caller_role()) = 'records-officer'
                     OR ((SELECT caller_role()) = 'service-lead'
                         AND (EXISTS (SELECT FROM referrals r WHERE r.id = resource_id AND kind = 'Referral'
                                      AND (r.service_id = ANY ((SELECT caller_services())::uuid[]) OR r.responsible_service_id = ANY ((SELECT caller_services())::uuid[])))
                              OR EXISTS (SELECT FROM episodes e WHERE e.id = resource_id AND kind = 'Episode'
                                         AND e.responsible_service_id = ANY ((SELECT caller_services())::uuid[]))))));
GRANT SELECT, INSERT (id, kind, resource_id, reason, retracted_by) ON retractions TO cmhf_app;

-- +goose StatementBegin
-- As before, without what was entered in error, and counting people rather than records.
CREATE OR REPLACE FUNCTION at_a_glance(p_from date, p_to date)
RETURNS TABLE (people_referred bigint, waiting bigint, open_episodes bigint, supported_closures bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT (SELECT count(DISTINCT coalesce(p.merged_into, p.id)) FROM referrals r JOIN people p ON p.id = r.person_id
            WHERE r.received_on BETWEEN p_from AND p_to AND r.state <> 'EnteredInError'),
           (SELECT count(*) FROM referrals WHERE state = 'Open'),
           (SELECT count(DISTINCT coalesce(p.merged_into, p.id)) FROM episodes e JOIN people p ON p.id = e.person_id WHERE e.state = 'Open' AND p.died_on IS NULL),
           (SELECT count(*) FROM closures c JOIN episodes e ON e.id = c.episode_id
            WHERE c.closed_on BETWEEN p_from AND p_to AND c.basis IN ('Acceptance', 'Choice') AND e.state <> 'EnteredInError')
    FROM directory_commit WHERE revision > 0
$$;
-- +goose StatementEnd
