-- +goose Up

-- The six core elements of the physical health check for people with severe mental illness. A row is one element that was measured,
-- with the values of its kind and no others, or that was offered and declined.
CREATE TABLE health_check_elements (
    id                  uuid PRIMARY KEY,
    person_id           uuid NOT NULL REFERENCES people,
    episode_id          uuid,
    service_id          uuid NOT NULL REFERENCES services,
    element             text NOT NULL CHECK (element IN ('Alcohol', 'Glucose', 'BloodPressure', 'BodyMass', 'Lipids', 'Smoking')),
    measured_on         date NOT NULL,
    declined            boolean NOT NULL DEFAULT false,
    audit_c             smallint CHECK (audit_c BETWEEN 0 AND 12),
    hba1c               smallint CHECK (hba1c BETWEEN 10 AND 200),             -- mmol/mol
    glucose             numeric(3, 1) CHECK (glucose BETWEEN 0.5 AND 60),      -- mmol/L
    systolic            smallint CHECK (systolic BETWEEN 50 AND 300),          -- mmHg
    diastolic           smallint CHECK (diastolic BETWEEN 20 AND 200),         -- mmHg
    weight_kg           numeric(4, 1) CHECK (weight_kg BETWEEN 20 AND 400),
    bmi                 numeric(4, 1) CHECK (bmi BETWEEN 8 AND 120),
    total_cholesterol   numeric(3, 1) CHECK (total_cholesterol BETWEEN 0.5 AND 30), -- mmol/L
    hdl                 numeric(3, 1) CHECK (hdl BETWEEN 0.1 AND 10),          -- mmol/L
    smoking             text CHECK (smoking IN ('Never', 'Former', 'Current')),
    recorded_by         text NOT NULL,
    recorded_at         timestamptz NOT NULL DEFAULT now(),
    entered_in_error_at timestamptz,
    entered_in_error_by text,
    version             bigint NOT NULL DEFAULT 1,
    updated_at          timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (episode_id, person_id) REFERENCES episodes (id, person_id) ON UPDATE CASCADE,
    CONSTRAINT values_of_its_element CHECK (
        (audit_c IS NOT NULL) = (element = 'Alcohol' AND NOT declined)
        AND (hba1c IS NOT NULL OR glucose IS NOT NULL) = (element = 'Glucose' AND NOT declined)
        AND (systolic IS NOT NULL) = (element = 'BloodPressure' AND NOT declined) AND (systolic IS NULL) = (diastolic IS NULL)
        AND (weight_kg IS NOT NULL OR bmi IS NOT NULL) = (element = 'BodyMass' AND NOT declined)
        AND (total_cholesterol IS NOT NULL) = (element = 'Lipids' AND NOT declined) AND (hdl IS NULL OR total_cholesterol IS NOT NULL)
        AND (smoking IS NOT NULL) = (element = 'Smoking' AND NOT declined)),
    CONSTRAINT pressures_in_order CHECK (systolic > diastolic),
    CONSTRAINT hdl_is_a_part CHECK (hdl <= total_cholesterol),
    CONSTRAINT not_in_the_future CHECK (measured_on <= (recorded_at AT TIME ZONE 'Europe/London')::date),
    CONSTRAINT error_is_whole CHECK ((entered_in_error_at IS NULL) = (entered_in_error_by IS NULL))
);
CREATE INDEX health_check_elements_person ON health_check_elements (person_id, recorded_at DESC, id DESC);
CREATE INDEX health_check_elements_latest ON health_check_elements (person_id, element, measured_on DESC) WHERE entered_in_error_at IS NULL;

-- What a person needs outside health care, what is done about it, and whether it helped.
CREATE TABLE needs (
    id                  uuid PRIMARY KEY,
    person_id           uuid NOT NULL REFERENCES people,
    episode_id          uuid,
    service_id          uuid NOT NULL REFERENCES services,
    area                text NOT NULL CHECK (area IN ('Money', 'Debt', 'Benefits', 'Housing', 'Work', 'Education', 'Relationships', 'Caring',
                                                      'PhysicalSafety', 'Isolation', 'Legal', 'Other')),
    description         text NOT NULL CHECK (length(btrim(description)) BETWEEN 1 AND 2000),
    identified_on       date NOT NULL,
    action              text CHECK (length(btrim(action)) BETWEEN 1 AND 2000),
    action_on           date,
    state               text NOT NULL DEFAULT 'Identified' CHECK (state IN ('Identified', 'Acting', 'Met', 'PartlyMet', 'NotMet')),
    state_on            date NOT NULL,
    recorded_by         text NOT NULL,
    recorded_at         timestamptz NOT NULL DEFAULT now(),
    changed_by          text,
    entered_in_error_at timestamptz,
    entered_in_error_by text,
    version             bigint NOT NULL DEFAULT 1,
    updated_at          timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (episode_id, person_id) REFERENCES episodes (id, person_id) ON UPDATE CASCADE,
    CONSTRAINT action_with_its_day CHECK ((action IS NULL) = (action_on IS NULL)),
    -- Nobody's need is settled by looking at it: whoever says that it is met or not met says what was done.
    CONSTRAINT settled_by_an_action CHECK ((state = 'Identified') = (action IS NULL)),
    CONSTRAINT days_in_order CHECK (action_on >= identified_on AND state_on >= identified_on AND state_on >= coalesce(action_on, state_on)),
    CONSTRAINT not_in_the_future CHECK (greatest(identified_on, action_on, state_on) <= (updated_at AT TIME ZONE 'Europe/London')::date),
    CONSTRAINT error_is_whole CHECK ((entered_in_error_at IS NULL) = (entered_in_error_by IS NULL))
);
CREATE INDEX needs_person ON needs (person_id, recorded_at DESC, id DESC);

INSERT INTO record_tables VALUES ('health_check_elements'), ('needs');

-- +goose StatementBegin
-- Nothing happens to a person after death. The argument is the column with the day of what happened; shared by all that is recorded of a day.
CREATE FUNCTION not_after_death() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (to_jsonb(NEW)->>TG_ARGV[0])::date > (SELECT died_on FROM people WHERE id = NEW.person_id FOR SHARE) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM005', MESSAGE = 'the person has died';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER not_after_death BEFORE INSERT ON health_check_elements FOR EACH ROW EXECUTE FUNCTION not_after_death('measured_on');
CREATE TRIGGER not_after_death BEFORE INSERT ON needs                 FOR EACH ROW EXECUTE FUNCTION not_after_death('identified_on');
CREATE TRIGGER next_version BEFORE UPDATE ON health_check_elements FOR EACH ROW EXECUTE FUNCTION next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON needs                 FOR EACH ROW EXECUTE FUNCTION next_version();
CREATE TRIGGER entered_in_error BEFORE UPDATE OF entered_in_error_by ON health_check_elements FOR EACH ROW EXECUTE FUNCTION entered_in_error();
CREATE TRIGGER entered_in_error BEFORE UPDATE OF entered_in_error_by ON needs                 FOR EACH ROW EXECUTE FUNCTION entered_in_error();

-- +goose StatementBegin
-- What is in error stays as it was, and a change has its author's name. For every table with the columns changed_by and entered_in_error_at.
CREATE FUNCTION change_in_own_name() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.entered_in_error_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM061', MESSAGE = 'the record is marked as entered in error';
    END IF;
    IF NEW.changed_by IS DISTINCT FROM caller_subject() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'nobody changes a record in another''s name';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER change_in_own_name BEFORE UPDATE OF action, action_on, state, state_on, changed_by ON needs FOR EACH ROW EXECUTE FUNCTION change_in_own_name();

ALTER TABLE health_check_elements ENABLE ROW LEVEL SECURITY;
ALTER TABLE needs                 ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON health_check_elements FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = health_check_elements.person_id));
CREATE POLICY visible ON needs                 FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = needs.person_id));
CREATE POLICY record ON health_check_elements FOR INSERT TO cmhf_app
    WITH CHECK (recorded_by = caller_subject() AND service_id = ANY ((SELECT caller_services())::uuid[]) AND service_supports_person(person_id, service_id));
CREATE POLICY record ON needs FOR INSERT TO cmhf_app
    WITH CHECK (recorded_by = caller_subject() AND service_id = ANY ((SELECT caller_services())::uuid[]) AND service_supports_person(person_id, service_id));
CREATE POLICY retract ON health_check_elements FOR UPDATE TO cmhf_app
    USING (service_id = ANY ((SELECT caller_services())::uuid[])) WITH CHECK (entered_in_error_by = caller_subject());
-- Every service that supports the person at present works on the same need; who found it may take it back later, too.
CREATE POLICY change ON needs FOR UPDATE TO cmhf_app
    USING (EXISTS (SELECT FROM unnest((SELECT caller_services())) AS own (service) WHERE service_supports_person(needs.person_id, own.service) OR needs.service_id = own.service))
    WITH CHECK (true); -- in whose name: the triggers

GRANT SELECT, INSERT (id, person_id, episode_id, service_id, element, measured_on, declined, audit_c, hba1c, glucose, systolic, diastolic,
                      weight_kg, bmi, total_cholesterol, hdl, smoking, recorded_by),
      UPDATE (entered_in_error_by) ON health_check_elements TO cmhf_app;
GRANT SELECT, INSERT (id, person_id, episode_id, service_id, area, description, identified_on, action, action_on, state, state_on, recorded_by),
      UPDATE (action, action_on, state, state_on, changed_by, entered_in_error_by) ON needs TO cmhf_app;
