-- +goose Up

-- Those around a person, and what each may be told. Nobody may be told anything by being near, a parent included and whatever the person's
-- age: each permission has a basis and a day.
CREATE TABLE carers (
    id           uuid PRIMARY KEY,
    person_id    uuid NOT NULL REFERENCES people,
    kind         text NOT NULL CHECK (kind IN ('Carer', 'Parent', 'NextOfKin', 'NearestRelative', 'NominatedOther', 'EmergencyContact')),
    name         text NOT NULL CHECK (length(btrim(name)) BETWEEN 1 AND 200),
    relationship text NOT NULL CHECK (relationship IN ('Parent', 'Partner', 'Child', 'Sibling', 'Grandparent', 'OtherFamily', 'Friend', 'Neighbour', 'PaidCarer', 'Other')),
    may_be_told  text[] NOT NULL DEFAULT '{}' CHECK (may_be_told <@ ARRAY['Appointments', 'CarePlan', 'CrisisPlan', 'Medicines', 'Wellbeing', 'Whereabouts']),
    basis        text CHECK (basis IN ('PersonAgreed', 'BestInterests', 'LegalAuthority')),
    agreed_on    date,
    ended_on     date,
    changed_by   text NOT NULL,
    changed_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (id, person_id),
    CONSTRAINT permission_has_a_basis CHECK ((may_be_told = '{}') = (basis IS NULL) AND (basis IS NULL) = (agreed_on IS NULL)),
    CONSTRAINT nothing_after_the_end CHECK (ended_on IS NULL OR may_be_told = '{}'),
    CHECK (agreed_on <= (changed_at AT TIME ZONE 'Europe/London')::date AND ended_on <= (changed_at AT TIME ZONE 'Europe/London')::date)
);
CREATE INDEX carers_person ON carers (person_id);

-- Apart because whoever lives with the person has the person's number.
CREATE TABLE carer_contacts (
    carer_id   uuid PRIMARY KEY,
    person_id  uuid NOT NULL,
    phone      text CHECK (phone ~ '^\+?[0-9][0-9 ]{5,19}$'),
    email      text CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$' AND length(email) <= 254),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (carer_id, person_id) REFERENCES carers (id, person_id)
);
CREATE INDEX carer_contacts_person ON carer_contacts (person_id);

-- What carers say in confidence. It is no part of what the person is shown of their own record, and only those who support the person now
-- read it. Never changed: what was wrong is marked so.
CREATE TABLE carer_confidences (
    id               uuid PRIMARY KEY,
    person_id        uuid NOT NULL,
    carer_id         uuid NOT NULL,
    said_on          date NOT NULL,
    said             text NOT NULL CHECK (length(btrim(said)) BETWEEN 1 AND 4000),
    sharing          text NOT NULL DEFAULT 'NotWithThePerson' CHECK (sharing IN ('NotWithThePerson', 'MayBeShared')),
    recorded_by      text NOT NULL,
    recorded_at      timestamptz NOT NULL DEFAULT now(),
    entered_in_error_at timestamptz,
    changed_by       text,
    changed_at       timestamptz,
    FOREIGN KEY (carer_id, person_id) REFERENCES carers (id, person_id),
    CHECK (said_on <= (recorded_at AT TIME ZONE 'Europe/London')::date)
);
CREATE INDEX carer_confidences_person ON carer_confidences (person_id);

CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON carers         FOR EACH ROW EXECUTE FUNCTION person_part_changed();
CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON carer_contacts FOR EACH ROW EXECUTE FUNCTION person_part_changed();
-- A confidence is none of the record's versions: a new one would tell the person that somebody spoke.
CREATE TRIGGER keep_earlier_version AFTER UPDATE ON carers         FOR EACH ROW EXECUTE FUNCTION keep_earlier_version();
CREATE TRIGGER keep_earlier_version AFTER UPDATE ON carer_contacts FOR EACH ROW EXECUTE FUNCTION keep_earlier_version();
INSERT INTO record_tables VALUES ('carers'), ('carer_confidences');

ALTER TABLE carers ENABLE ROW LEVEL SECURITY;
ALTER TABLE carer_contacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE carer_confidences ENABLE ROW LEVEL SECURITY;

CREATE POLICY visible ON carers FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = person_id));
CREATE POLICY record ON carers FOR INSERT TO cmhf_app WITH CHECK (changed_by = caller_subject() AND caller_supports(person_id));
CREATE POLICY change ON carers FOR UPDATE TO cmhf_app USING (caller_supports(person_id)) WITH CHECK (changed_by = caller_subject());
CREATE POLICY visible ON carer_contacts FOR SELECT TO cmhf_app USING (caller_sees_location(person_id));
CREATE POLICY record ON carer_contacts FOR INSERT TO cmhf_app
    WITH CHECK (changed_by = caller_subject() AND caller_supports(person_id) AND caller_sees_location(person_id));
CREATE POLICY change ON carer_contacts FOR UPDATE TO cmhf_app USING (caller_supports(person_id) AND caller_sees_location(person_id)) WITH CHECK (changed_by = caller_subject());
CREATE POLICY visible ON carer_confidences FOR SELECT TO cmhf_app USING (caller_supports(person_id));
CREATE POLICY record ON carer_confidences FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject() AND caller_supports(person_id));
CREATE POLICY change ON carer_confidences FOR UPDATE TO cmhf_app USING (caller_supports(person_id) AND entered_in_error_at IS NULL) WITH CHECK (changed_by = caller_subject() AND entered_in_error_at IS NOT NULL);

GRANT SELECT, INSERT (id, person_id, kind, name, relationship, may_be_told, basis, agreed_on, changed_by),
      UPDATE (kind, name, relationship, may_be_told, basis, agreed_on, ended_on, changed_by, changed_at) ON carers TO cmhf_app;
GRANT SELECT, INSERT (carer_id, person_id, phone, email, changed_by), UPDATE (phone, email, changed_by, changed_at) ON carer_contacts TO cmhf_app;
GRANT SELECT, INSERT (id, person_id, carer_id, said_on, said, sharing, recorded_by), UPDATE (entered_in_error_at, changed_by, changed_at) ON carer_confidences TO cmhf_app;
