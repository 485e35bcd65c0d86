-- +goose Up

-- Who is asking. The API sets these at the start of each transaction; unset or empty means nobody, who sees no row.
CREATE FUNCTION caller_services() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN string_to_array(nullif(current_setting('cmhf.services', true), ''), ',')::uuid[];
CREATE FUNCTION caller_subject() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('cmhf.subject', true), '');
GRANT EXECUTE ON FUNCTION caller_services, caller_subject TO cmhf_app;

-- Ten digits, not all zero (which stands for "unknown" in many systems); weights 10 to 2; check digit 11 minus the remainder by 11, where 11 counts as 0 and 10 is not allowed.
CREATE FUNCTION nhs_number_valid(number text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN number !~ '^[0-9]{10}$' OR number = '0000000000' THEN false ELSE
    (11 - (substr(number, 1, 1)::int * 10 + substr(number, 2, 1)::int * 9 + substr(number, 3, 1)::int * 8
         + substr(number, 4, 1)::int * 7 + substr(number, 5, 1)::int * 6 + substr(number, 6, 1)::int * 5
         + substr(number, 7, 1)::int * 4 + substr(number, 8, 1)::int * 3 + substr(number, 9, 1)::int * 2) % 11) % 11
    = substr(number, 10, 1)::int END;

-- A record whose details contradict another one with the same NHS number is Queued: it works like any other for those
-- who referred the person, and the number stays unique among Settled records until someone has looked.
CREATE TABLE people (
    id                       uuid PRIMARY KEY,
    nhs_number               text CONSTRAINT nhs_number_check CHECK (nhs_number_valid(nhs_number)),
    nhs_number_absent_reason text CHECK (nhs_number_absent_reason IN ('NotKnownYet', 'NeverIssued', 'Withheld')),
    matching                 text NOT NULL DEFAULT 'Settled' CHECK (matching IN ('Settled', 'Queued')),
    family_name              text NOT NULL CHECK (length(btrim(family_name)) BETWEEN 1 AND 100),
    given_name               text NOT NULL CHECK (length(btrim(given_name)) BETWEEN 1 AND 100),
    birth_date               date NOT NULL,
    died_on                  date CHECK (died_on >= birth_date),
    death_source             text,
    created_at               timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT nhs_number_or_reason CHECK ((nhs_number IS NULL) <> (nhs_number_absent_reason IS NULL)),
    CHECK ((died_on IS NULL) = (death_source IS NULL))
);
CREATE UNIQUE INDEX people_settled_nhs_number ON people (nhs_number) WHERE matching = 'Settled';
CREATE INDEX people_nhs_number ON people (nhs_number);
CREATE INDEX people_birth_date ON people (birth_date) WHERE nhs_number IS NULL;

CREATE TABLE matching_queue (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id           uuid NOT NULL REFERENCES people,
    candidate_person_id uuid NOT NULL REFERENCES people,
    why                 text NOT NULL CHECK (why IN ('DetailsDiffer', 'SameDetailsNoNumber')),
    created_at          timestamptz NOT NULL DEFAULT now(),
    settled_at          timestamptz,
    UNIQUE (person_id, candidate_person_id)
);

-- Which service may see which person, why, and for how long. Kept by triggers only.
CREATE TABLE person_access (
    person_id  uuid NOT NULL REFERENCES people,
    service_id uuid NOT NULL REFERENCES services,
    why        text NOT NULL CHECK (why IN ('Referral', 'SentReferral', 'Episode')),
    source_id  uuid NOT NULL,
    since      timestamptz NOT NULL DEFAULT now(),
    until      timestamptz,
    PRIMARY KEY (person_id, service_id, source_id)
);
CREATE INDEX person_access_source ON person_access (source_id);

CREATE TABLE legal_duties (
    id          uuid PRIMARY KEY,
    person_id   uuid NOT NULL REFERENCES people,
    kind        text NOT NULL CHECK (kind IN ('Section117Aftercare', 'CommunityTreatmentOrder', 'ConditionalDischarge')),
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    ended_by    text,
    ended_at    timestamptz,
    CHECK ((ended_by IS NULL) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX legal_duties_open ON legal_duties (person_id, kind) WHERE ended_at IS NULL;

-- +goose StatementBegin
-- The only way to a person's record. The answer is an id in every case, so a caller cannot tell whether the person was known.
-- A known NHS number is the same person when birth date, family name and the first letter of the given name agree (case,
-- spaces and punctuation aside); otherwise the details go into a record of their own and the pair into the queue.
CREATE FUNCTION find_or_create_person(p_id uuid, p_nhs_number text, p_absent_reason text,
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
        SELECT id INTO found FROM people
        WHERE nhs_number = p_nhs_number AND birth_date = p_birth_date
          AND lower(regexp_replace(family_name, letters, '', 'g')) = lower(regexp_replace(p_family_name, letters, '', 'g'))
          AND lower(left(btrim(given_name), 1)) = lower(left(btrim(p_given_name), 1))
        ORDER BY matching DESC, created_at LIMIT 1;
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
        SELECT p_id, id, 'SameDetailsNoNumber' FROM people
        WHERE id <> p_id AND birth_date = p_birth_date AND lower(family_name) = lower(p_family_name) AND lower(given_name) = lower(p_given_name);
        found := p_id;
    END IF;
    -- The referral that follows in this transaction may name this person although nobody may see the record yet.
    PERFORM set_config('cmhf.admitted_person', found::text, true);
    RETURN found;
END $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION find_or_create_person TO cmhf_app;

ALTER TABLE people ENABLE ROW LEVEL SECURITY;
ALTER TABLE matching_queue ENABLE ROW LEVEL SECURITY;
ALTER TABLE person_access ENABLE ROW LEVEL SECURITY;
ALTER TABLE legal_duties ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_services ON person_access FOR SELECT TO cmhf_app
    USING (service_id = ANY ((SELECT caller_services())::uuid[]));
CREATE POLICY visible ON people FOR SELECT TO cmhf_app
    USING (EXISTS (SELECT FROM person_access a WHERE a.person_id = people.id
                   AND a.service_id = ANY ((SELECT caller_services())::uuid[]) AND (a.until IS NULL OR a.until > now())));
CREATE POLICY visible ON legal_duties FOR SELECT TO cmhf_app
    USING (EXISTS (SELECT FROM people p WHERE p.id = legal_duties.person_id));

GRANT SELECT (id, nhs_number, nhs_number_absent_reason, family_name, given_name, birth_date, died_on, death_source) ON people TO cmhf_app;
GRANT SELECT ON person_access TO cmhf_app;
GRANT SELECT, INSERT (id, person_id, kind, recorded_by), UPDATE (ended_by, ended_at) ON legal_duties TO cmhf_app;
