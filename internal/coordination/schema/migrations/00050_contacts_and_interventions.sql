-- +goose Up

-- Errors of class CM05x are the rules of contacts, interventions, plans and safety plans.
--   CM050 the record doesn't fit the episode or referral it belongs to, or its own state (a closed episode, marked in error already)
--   CM051 a settled plan changed other than by a new version or entered-in-error
--   CM052 a plan lacks something to be in force; DETAIL is the missing part's code
-- CM005, the person has died, is as before.

-- What people around a person did together with them: met, rang, tried. A contact belongs to an episode, or to a referral when it
-- happened before acceptance. It is never changed: a mistaken one is marked and, if need be, recorded again.
CREATE TABLE contacts (
    id                   uuid PRIMARY KEY,
    person_id            uuid NOT NULL REFERENCES people,
    episode_id           uuid REFERENCES episodes,
    referral_id          uuid REFERENCES referrals,
    service_id           uuid NOT NULL REFERENCES services,
    happened_at          timestamptz NOT NULL,
    medium               text NOT NULL CHECK (medium IN ('FaceToFace', 'Telephone', 'TalkType', 'Video', 'Email', 'Text', 'InstantMessage', 'Other')),
    attendance           text NOT NULL CHECK (attendance IN ('Attended', 'DidNotAttend', 'CancelledByPerson', 'CancelledByService')),
    arrived_late         boolean NOT NULL DEFAULT false,
    held_with            text NOT NULL CHECK (held_with IN ('Person', 'Carer', 'Professional')),
    carer_involved       boolean NOT NULL DEFAULT false,
    professional         text CHECK (length(btrim(professional)) BETWEEN 1 AND 200),
    duration_minutes     integer CHECK (duration_minutes BETWEEN 1 AND 1440),
    assessment           boolean NOT NULL DEFAULT false,
    assessment_code      text CHECK (assessment_code ~ '^[0-9]{6,18}$'),
    summary              text CHECK (length(btrim(summary)) BETWEEN 1 AND 4000),
    recorded_by          text NOT NULL,
    recorded_at          timestamptz NOT NULL DEFAULT now(),
    entered_in_error_at  timestamptz,
    entered_in_error_by  text,
    entered_in_error_why text CHECK (entered_in_error_why IN ('WrongPerson', 'WrongDetails', 'Duplicate', 'NeverHappened')),
    version              bigint NOT NULL DEFAULT 1,
    updated_at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT episode_or_referral CHECK ((episode_id IS NULL) <> (referral_id IS NULL)),
    -- Clocks of machines differ by seconds.
    CONSTRAINT not_in_the_future CHECK (happened_at <= recorded_at + interval '5 minutes'),
    CONSTRAINT only_when_attended CHECK (attendance = 'Attended' OR (NOT assessment AND NOT carer_involved AND duration_minutes IS NULL)),
    CONSTRAINT late_by_the_person CHECK (NOT arrived_late OR attendance IN ('Attended', 'DidNotAttend')),
    -- An assessment is made with the person.
    CONSTRAINT assessed_in_person CHECK (NOT assessment OR held_with = 'Person'),
    CONSTRAINT code_of_an_assessment CHECK (assessment_code IS NULL OR assessment),
    CONSTRAINT held_with_a_carer CHECK (held_with <> 'Carer' OR carer_involved OR attendance <> 'Attended'),
    CONSTRAINT marked_whole CHECK (num_nulls(entered_in_error_at, entered_in_error_by, entered_in_error_why) IN (0, 3))
);
CREATE INDEX contacts_episode ON contacts (episode_id, happened_at DESC, id DESC);
CREATE INDEX contacts_referral ON contacts (referral_id, happened_at DESC, id DESC);
CREATE INDEX contacts_person ON contacts (person_id, happened_at);

-- What each theme of support is for, by the tiers of the Healthy Minds framework, 1 at the bottom.
CREATE TABLE intervention_themes (
    theme text PRIMARY KEY,
    tier  smallint NOT NULL CHECK (tier BETWEEN 1 AND 6),
    UNIQUE (theme, tier)
);
INSERT INTO intervention_themes (theme, tier) VALUES
    ('FinancialInclusion', 1), ('Housing', 1), ('ActiveCitizenship', 1), ('EquityAndDiversity', 1),
    ('StigmaAndInclusion', 2), ('AccessToMainstream', 2),
    ('Employment', 3), ('HealthAtWork', 3),
    ('SelfCare', 4), ('PeerSupport', 4), ('SocialConnection', 4), ('SocialPrescribing', 4), ('CommunityAssets', 4), ('Resilience', 4),
    ('HolisticHealth', 5), ('Recovery', 5), ('SocialInclusion', 5), ('PhysicalHealth', 5),
    ('DistressResponse', 6), ('SelfHarmSupport', 6), ('SuicidePrevention', 6);
GRANT SELECT ON intervention_themes TO cmhf_app;

CREATE TABLE interventions (
    id                   uuid PRIMARY KEY,
    person_id            uuid NOT NULL REFERENCES people,
    episode_id           uuid NOT NULL REFERENCES episodes,
    service_id           uuid NOT NULL REFERENCES services,
    contact_id           uuid REFERENCES contacts,
    given_on             date NOT NULL,
    kind                 text NOT NULL CHECK (kind IN ('Psychological', 'Psychosocial', 'MedicationOrPhysical', 'Other', 'Consultation', 'Signposting', 'Discussion')),
    snomed_code          text CHECK (snomed_code ~ '^[0-9]{6,18}$'),
    theme                text NOT NULL,
    tier                 smallint NOT NULL,
    note                 text CHECK (length(btrim(note)) BETWEEN 1 AND 1000),
    recorded_by          text NOT NULL,
    recorded_at          timestamptz NOT NULL DEFAULT now(),
    entered_in_error_at  timestamptz,
    entered_in_error_by  text,
    entered_in_error_why text CHECK (entered_in_error_why IN ('WrongPerson', 'WrongDetails', 'Duplicate', 'NeverHappened')),
    version              bigint NOT NULL DEFAULT 1,
    updated_at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tier_of_the_theme FOREIGN KEY (theme, tier) REFERENCES intervention_themes (theme, tier),
    CONSTRAINT not_in_the_future CHECK (given_on <= (recorded_at AT TIME ZONE 'Europe/London')::date),
    CONSTRAINT marked_whole CHECK (num_nulls(entered_in_error_at, entered_in_error_by, entered_in_error_why) IN (0, 3))
);
CREATE INDEX interventions_episode ON interventions (episode_id, given_on DESC, id DESC);
CREATE INDEX interventions_contact ON interventions (contact_id);
CREATE INDEX interventions_person ON interventions (person_id);

INSERT INTO record_tables VALUES ('contacts'), ('interventions');

-- +goose StatementBegin
-- The first day of the support in an episode: what was done for a person who asked for help counts from the day they asked.
CREATE FUNCTION episode_begins(p_episode uuid) RETURNS date
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (
        SELECT least((e.opened_at AT TIME ZONE 'Europe/London')::date, (SELECT min(r.received_on) FROM referrals r WHERE r.episode_id = e.id))
        FROM episodes e WHERE e.id = p_episode);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The person is the episode's or the referral's, whatever the writer says. What happened while it was open may be written up later.
CREATE FUNCTION contact_fits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    happened_on date := (NEW.happened_at AT TIME ZONE 'Europe/London')::date;
    fits boolean;
BEGIN
    IF NEW.episode_id IS NOT NULL THEN
        SELECT e.person_id, e.responsible_service_id = NEW.service_id AND happened_on >= episode_begins(e.id)
               AND (e.state = 'Open' OR NEW.happened_at <= e.closed_at)
        INTO NEW.person_id, fits FROM episodes e WHERE e.id = NEW.episode_id FOR SHARE;
    ELSE
        SELECT r.person_id, NEW.service_id IN (r.service_id, r.responsible_service_id) AND happened_on >= r.received_on
               AND (r.outcome_at IS NULL OR NEW.happened_at <= r.outcome_at)
        INTO NEW.person_id, fits FROM referrals r WHERE r.id = NEW.referral_id FOR SHARE;
    END IF;
    IF fits IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'CM050', MESSAGE = 'a contact is recorded by the service that supports the person, for a time within the episode or referral';
    END IF;
    IF happened_on > (SELECT died_on FROM people WHERE id = NEW.person_id FOR SHARE) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM005', MESSAGE = 'the person has died';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER contact_fits BEFORE INSERT ON contacts FOR EACH ROW EXECUTE FUNCTION contact_fits();

-- +goose StatementBegin
CREATE FUNCTION intervention_fits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    fits boolean;
BEGIN
    SELECT e.person_id, e.responsible_service_id = NEW.service_id AND NEW.given_on >= episode_begins(e.id)
           AND (e.state = 'Open' OR NEW.given_on <= (e.closed_at AT TIME ZONE 'Europe/London')::date)
    INTO NEW.person_id, fits FROM episodes e WHERE e.id = NEW.episode_id FOR SHARE;
    -- Nothing was given at a contact that was missed, that is another person's, or that never was.
    IF fits AND NEW.contact_id IS NOT NULL THEN
        fits := EXISTS (SELECT FROM contacts c WHERE c.id = NEW.contact_id AND c.person_id = NEW.person_id AND c.attendance = 'Attended'
                        AND c.entered_in_error_at IS NULL AND (c.happened_at AT TIME ZONE 'Europe/London')::date = NEW.given_on
                        AND (c.episode_id = NEW.episode_id OR EXISTS (SELECT FROM referrals r WHERE r.id = c.referral_id AND r.episode_id = NEW.episode_id))
                        FOR SHARE);
    END IF;
    IF fits IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'CM050', MESSAGE = 'an intervention is recorded by the service that supports the person, for a day within the episode';
    END IF;
    IF NEW.given_on > (SELECT died_on FROM people WHERE id = NEW.person_id FOR SHARE) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM005', MESSAGE = 'the person has died';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER intervention_fits BEFORE INSERT ON interventions FOR EACH ROW EXECUTE FUNCTION intervention_fits();

-- +goose StatementBegin
-- A record is marked as entered in error once, and when is not the writer's to choose.
CREATE FUNCTION marked_in_error() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.entered_in_error_by, NEW.entered_in_error_why) IS DISTINCT FROM (OLD.entered_in_error_by, OLD.entered_in_error_why) THEN
        IF OLD.entered_in_error_at IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'CM050', MESSAGE = 'the record is marked as entered in error already';
        END IF;
        NEW.entered_in_error_at := now();
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER marked_in_error BEFORE UPDATE ON contacts      FOR EACH ROW EXECUTE FUNCTION marked_in_error();
CREATE TRIGGER marked_in_error BEFORE UPDATE ON interventions FOR EACH ROW EXECUTE FUNCTION marked_in_error();
CREATE TRIGGER next_version    BEFORE UPDATE ON contacts      FOR EACH ROW EXECUTE FUNCTION next_version();
CREATE TRIGGER next_version    BEFORE UPDATE ON interventions FOR EACH ROW EXECUTE FUNCTION next_version();

-- +goose StatementBegin
-- What was given at a contact goes first: otherwise it would hang on something that never was.
CREATE FUNCTION contact_bears_nothing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM interventions i WHERE i.contact_id = NEW.id AND i.entered_in_error_at IS NULL) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM050', MESSAGE = 'interventions were given at this contact';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER contact_bears_nothing BEFORE UPDATE OF entered_in_error_why ON contacts FOR EACH ROW EXECUTE FUNCTION contact_bears_nothing();

ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE interventions ENABLE ROW LEVEL SECURITY;

CREATE POLICY visible ON contacts FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = contacts.person_id));
CREATE POLICY record ON contacts FOR INSERT TO cmhf_app
    WITH CHECK (recorded_by = caller_subject() AND service_id = ANY ((SELECT caller_services())::uuid[])
                AND EXISTS (SELECT FROM people p WHERE p.id = contacts.person_id));
CREATE POLICY mark ON contacts FOR UPDATE TO cmhf_app
    USING (service_id = ANY ((SELECT caller_services())::uuid[])) WITH CHECK (entered_in_error_by = caller_subject());
CREATE POLICY visible ON interventions FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = interventions.person_id));
CREATE POLICY record ON interventions FOR INSERT TO cmhf_app
    WITH CHECK (recorded_by = caller_subject() AND service_id = ANY ((SELECT caller_services())::uuid[])
                AND EXISTS (SELECT FROM people p WHERE p.id = interventions.person_id));
CREATE POLICY mark ON interventions FOR UPDATE TO cmhf_app
    USING (service_id = ANY ((SELECT caller_services())::uuid[])) WITH CHECK (entered_in_error_by = caller_subject());

GRANT SELECT, INSERT (id, episode_id, referral_id, service_id, happened_at, medium, attendance, arrived_late, held_with, carer_involved,
                      professional, duration_minutes, assessment, assessment_code, summary, recorded_by),
      UPDATE (entered_in_error_by, entered_in_error_why) ON contacts TO cmhf_app;
GRANT SELECT, INSERT (id, episode_id, service_id, contact_id, given_on, kind, snomed_code, theme, tier, note, recorded_by),
      UPDATE (entered_in_error_by, entered_in_error_why) ON interventions TO cmhf_app;
