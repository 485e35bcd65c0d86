-- +goose Up

-- Capacity is assessed for one decision at one time; a later assessment of the same decision stands beside the earlier one.
CREATE TABLE capacity_assessments (
    id               uuid PRIMARY KEY,
    person_id        uuid NOT NULL REFERENCES people,
    decision         text NOT NULL CHECK (length(btrim(decision)) BETWEEN 1 AND 1000),
    about            text NOT NULL CHECK (about IN ('CarePlan', 'Closure', 'Sharing', 'Treatment', 'Accommodation', 'Money', 'Other')),
    outcome          text NOT NULL CHECK (outcome IN ('HasCapacity', 'LacksCapacity')),
    support_given    text NOT NULL CHECK (length(btrim(support_given)) BETWEEN 1 AND 2000),
    finding          text NOT NULL CHECK (length(btrim(finding)) BETWEEN 1 AND 4000),
    assessor_name    text NOT NULL CHECK (length(btrim(assessor_name)) BETWEEN 1 AND 200),
    assessor_role    text NOT NULL CHECK (length(btrim(assessor_role)) BETWEEN 1 AND 200),
    assessed_on      date NOT NULL,
    review_on        date CHECK (review_on >= assessed_on),
    entered_in_error_at timestamptz,
    recorded_by      text NOT NULL,
    recorded_at      timestamptz NOT NULL DEFAULT now(),
    changed_by       text,
    changed_at       timestamptz,
    CHECK (assessed_on <= (recorded_at AT TIME ZONE 'Europe/London')::date)
);
CREATE INDEX capacity_assessments_person ON capacity_assessments (person_id, assessed_on DESC);

-- Who acts or speaks for a person. Authority to decide rests on a document that somebody has seen; an advocate decides nothing.
CREATE TABLE representatives (
    id               uuid PRIMARY KEY,
    person_id        uuid NOT NULL REFERENCES people,
    kind             text NOT NULL CHECK (kind IN ('HealthAndWelfareAttorney', 'PropertyAttorney', 'CourtDeputy', 'MentalCapacityAdvocate', 'MentalHealthAdvocate', 'Advocate')),
    name             text NOT NULL CHECK (length(btrim(name)) BETWEEN 1 AND 200),
    organisation     text CHECK (length(btrim(organisation)) BETWEEN 1 AND 200),
    phone            text CHECK (phone ~ '^\+?[0-9][0-9 ]{5,19}$'),
    email            text CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$' AND length(email) <= 254),
    document_seen_on date,
    from_on          date NOT NULL,
    to_on            date CHECK (to_on >= from_on),
    recorded_by      text NOT NULL,
    recorded_at      timestamptz NOT NULL DEFAULT now(),
    changed_by       text,
    changed_at       timestamptz,
    CONSTRAINT authority_has_a_document CHECK (kind NOT IN ('HealthAndWelfareAttorney', 'PropertyAttorney', 'CourtDeputy') OR document_seen_on IS NOT NULL),
    CHECK (document_seen_on <= (recorded_at AT TIME ZONE 'Europe/London')::date)
);
CREATE INDEX representatives_person ON representatives (person_id);

CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON capacity_assessments FOR EACH ROW EXECUTE FUNCTION person_part_changed();
CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON representatives      FOR EACH ROW EXECUTE FUNCTION person_part_changed();
CREATE TRIGGER keep_earlier_version AFTER UPDATE ON representatives FOR EACH ROW EXECUTE FUNCTION keep_earlier_version();
INSERT INTO record_tables VALUES ('capacity_assessments'), ('representatives');

ALTER TABLE capacity_assessments ENABLE ROW LEVEL SECURITY;
ALTER TABLE representatives ENABLE ROW LEVEL SECURITY;

CREATE POLICY visible ON capacity_assessments FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = person_id));
CREATE POLICY record ON capacity_assessments FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject() AND caller_supports(person_id));
CREATE POLICY change ON capacity_assessments FOR UPDATE TO cmhf_app
    USING (caller_supports(person_id) AND entered_in_error_at IS NULL) WITH CHECK (changed_by = caller_subject() AND entered_in_error_at IS NOT NULL);
CREATE POLICY visible ON representatives FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = person_id));
CREATE POLICY record ON representatives FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject() AND caller_supports(person_id));
CREATE POLICY change ON representatives FOR UPDATE TO cmhf_app USING (caller_supports(person_id)) WITH CHECK (changed_by = caller_subject());

GRANT SELECT, INSERT (id, person_id, decision, about, outcome, support_given, finding, assessor_name, assessor_role, assessed_on, review_on, recorded_by),
      UPDATE (entered_in_error_at, changed_by, changed_at) ON capacity_assessments TO cmhf_app;
GRANT SELECT, INSERT (id, person_id, kind, name, organisation, phone, email, document_seen_on, from_on, to_on, recorded_by),
      UPDATE (to_on, changed_by, changed_at) ON representatives TO cmhf_app;
