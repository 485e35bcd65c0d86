-- +goose Up

-- What a sender posted as a FHIR ServiceRequest, as it came: the referral holds its meaning in this system's words, and this the whole,
-- should anyone have to know what was said. It may hold an address, so it hides where that is hidden. It never changes.
CREATE TABLE fhir_intakes (
    referral_id       uuid PRIMARY KEY REFERENCES referrals,
    person_id         uuid NOT NULL REFERENCES people,
    -- The sender's own number of the referral.
    identifier_system text CHECK (length(identifier_system) BETWEEN 1 AND 200),
    identifier_value  text CHECK (length(identifier_value) BETWEEN 1 AND 200),
    body              text NOT NULL CHECK (octet_length(body) BETWEEN 2 AND 65536),
    recorded_by       text NOT NULL,
    recorded_at       timestamptz NOT NULL DEFAULT now(),
    CHECK ((identifier_system IS NULL) = (identifier_value IS NULL))
);
CREATE INDEX fhir_intakes_identifier ON fhir_intakes (recorded_by, identifier_value, identifier_system) WHERE identifier_value IS NOT NULL;
CREATE INDEX fhir_intakes_person ON fhir_intakes (person_id);

-- +goose StatementBegin
-- It belongs to the referral that the same caller makes in the same transaction, and so to that referral's person.
CREATE FUNCTION fhir_intake_fits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    SELECT person_id INTO NEW.person_id FROM referrals WHERE id = NEW.referral_id AND recorded_by = caller_subject() AND recorded_at = now();
    IF NEW.person_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'what was sent is kept with the referral that it made, at that moment';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER fhir_intake_fits BEFORE INSERT ON fhir_intakes FOR EACH ROW EXECUTE FUNCTION fhir_intake_fits();

-- +goose StatementBegin
-- The caller's own earlier referrals with a number of theirs, for senders who may not see what they sent. Those who ask for the same
-- number at once follow each other, so that only the first makes a referral.
CREATE FUNCTION fhir_intake_of(p_system text, p_value text) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(chr(1), 'fhir_intake', caller_subject(), p_system, p_value), 0));
    RETURN QUERY SELECT i.referral_id FROM fhir_intakes i JOIN referrals r ON r.id = i.referral_id
        WHERE i.recorded_by = caller_subject() AND i.identifier_system = p_system AND i.identifier_value = p_value AND r.state <> 'EnteredInError'
        ORDER BY i.recorded_at;
END $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION fhir_intake_of TO cmhf_app;

ALTER TABLE fhir_intakes ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON fhir_intakes FOR SELECT TO cmhf_app USING (caller_sees_location(person_id));
CREATE POLICY keep ON fhir_intakes FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject());
GRANT SELECT, INSERT (referral_id, identifier_system, identifier_value, body, recorded_by) ON fhir_intakes TO cmhf_app;
