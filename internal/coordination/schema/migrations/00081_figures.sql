-- +goose Up

-- Publications of figures, each for a fixed period and decided as a whole. A period may be published again; the highest revision counts.
CREATE TABLE publications (
    id                  uuid PRIMARY KEY,
    from_on             date NOT NULL,
    to_on               date NOT NULL CHECK (to_on >= from_on),
    revision            integer NOT NULL CHECK (revision >= 1),
    published_at        timestamptz NOT NULL DEFAULT now(),
    facts_as_of         timestamptz NOT NULL,
    suppression_version text NOT NULL,
    synthetic           boolean NOT NULL,
    UNIQUE (from_on, to_on, revision)
);

-- Figures as they were decided, the same for every caller. Hidden is one state for outsiders: whether a figure is small itself or protects another
-- one is not kept. The exact counts are for later publications of the same period alone.
CREATE TABLE figures (
    publication_id    uuid NOT NULL REFERENCES publications,
    measure           text NOT NULL,
    geography_kind    text NOT NULL CHECK (geography_kind IN ('ICS', 'Place', 'Neighbourhood', 'Service', 'Provider')),
    geography         text NOT NULL,
    place             text NOT NULL, -- of a neighbourhood; empty otherwise
    provider          text NOT NULL, -- that leads a service, when the figure was made; empty otherwise
    breakdown_kind    text NOT NULL, -- empty for everyone together
    breakdown         text NOT NULL,
    numerator         bigint,
    denominator       bigint,
    value             bigint,
    state             text NOT NULL CHECK (state IN ('Published', 'Hidden', 'Missing')),
    reason            text CHECK (reason IN ('NoPopulation')),
    rule_version      text NOT NULL,
    source            text, -- of a denominator that was uploaded
    exact_numerator   bigint,
    exact_denominator bigint,
    PRIMARY KEY (publication_id, measure, geography_kind, geography, breakdown_kind, breakdown),
    CONSTRAINT shown_when_published CHECK ((state = 'Published') = (value IS NOT NULL)),
    CONSTRAINT rounded CHECK (numerator % 5 = 0 AND numerator >= 5)
);
CREATE INDEX figures_measure ON figures (measure, breakdown_kind, geography_kind);

-- +goose StatementBegin
-- Figures come with their publication, in one transaction, or never.
CREATE FUNCTION figure_with_its_publication() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added a JOIN publications p ON p.id = a.publication_id WHERE p.published_at <> now()) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM080', MESSAGE = 'a publication does not change after it was made';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER figure_with_its_publication AFTER INSERT ON figures REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION figure_with_its_publication();

GRANT SELECT, INSERT (id, from_on, to_on, revision, facts_as_of, suppression_version, synthetic) ON publications TO cmhf_app;
GRANT SELECT (publication_id, measure, geography_kind, geography, place, provider, breakdown_kind, breakdown, numerator, denominator, value, state, reason,
              rule_version, source), INSERT ON figures TO cmhf_app;

-- +goose StatementBegin
-- What is counted in a period, one row for each unit that a measure counts: in the numerator, or in the denominator only. A unit is in one class of
-- every breakdown and in one place, neighbourhood and service, so that all parts add up. What is not recorded is null,
-- what was entered in error is left out, and merged records are one person.
CREATE FUNCTION measure_units(p_from date, p_to date)
RETURNS TABLE (measure text, counted boolean, waited integer, service_id uuid, neighbourhood text, age integer, ethnicity text, gender text, deprivation text, route text)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT 'referrals-received', true, NULL::integer, r.service_id, c.neighbourhood, date_part('year', age(r.received_on, p.birth_date))::integer,
           c.ethnicity, c.gender, c.deprivation, r.route
    FROM referrals r
    JOIN people p ON p.id = r.person_id
    LEFT JOIN spell_facts c ON c.clock = 'person' AND c.person_id = coalesce(p.merged_into, p.id)
    WHERE r.received_on BETWEEN p_from AND p_to AND r.state <> 'EnteredInError'
    UNION ALL
    SELECT m.measure, m.counted, m.waited, f.service_id, f.neighbourhood, date_part('year', age(f.started_on, f.born_on))::integer,
           f.ethnicity, f.gender, f.deprivation, f.route
    FROM spell_facts f
    CROSS JOIN LATERAL (
        SELECT 'national-spells-started', true, NULL::integer
        WHERE f.clock = 'national' AND f.started_on BETWEEN p_from AND p_to
        UNION ALL
        SELECT f.clock || '-wait-completed', f.stopped_on - f.started_on <= 28, f.stopped_on - f.started_on
        WHERE f.stopped_on BETWEEN p_from AND p_to
        UNION ALL
        -- A national spell that ended in the last five days counts as open, as in the published code.
        SELECT f.clock || '-wait-open', true, p_to - f.started_on
        WHERE f.started_on <= p_to AND coalesce(f.stopped_on, f.died_on, 'infinity') > p_to
          AND coalesce(f.ended_on, 'infinity') >= p_to - CASE f.clock WHEN 'national' THEN 5 ELSE 0 END
        UNION ALL
        SELECT 'person-left-waiting', true, p_to - f.started_on
        WHERE f.clock = 'person' AND f.started_on <= p_to AND coalesce(f.stopped_on, f.died_on, 'infinity') > p_to AND f.ended_on < p_to
        UNION ALL
        SELECT 'person-died-waiting', true, f.died_on - f.started_on
        WHERE f.clock = 'person' AND f.died_on BETWEEN p_from AND p_to
    ) m (measure, counted, waited)
    UNION ALL
    SELECT 'episodes-open', true, NULL, e.responsible_service_id, c.neighbourhood, date_part('year', age(p_to, p.birth_date))::integer,
           c.ethnicity, c.gender, c.deprivation, c.route
    FROM episodes e
    JOIN people p ON p.id = e.person_id
    LEFT JOIN spell_facts c ON c.clock = 'person' AND c.person_id = coalesce(p.merged_into, p.id)
    WHERE e.state <> 'EnteredInError' AND london_day(e.opened_at) <= p_to AND (e.closed_at IS NULL OR london_day(e.closed_at) > p_to) AND (p.died_on IS NULL OR p.died_on > p_to)
    UNION ALL
    SELECT 'closures-with-support', l.basis IN ('Acceptance', 'Choice'), NULL, e.responsible_service_id, c.neighbourhood,
           date_part('year', age(l.closed_on, p.birth_date))::integer, c.ethnicity, c.gender, c.deprivation, c.route
    FROM closures l
    JOIN episodes e ON e.id = l.episode_id
    JOIN people p ON p.id = e.person_id
    LEFT JOIN spell_facts c ON c.clock = 'person' AND c.person_id = coalesce(p.merged_into, p.id)
    WHERE e.state <> 'EnteredInError' AND l.closed_on BETWEEN p_from AND p_to AND l.basis <> 'Death'
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The earlier publications of a period with their exact counts, for the job that publishes it again.
CREATE FUNCTION earlier_figures(p_from date, p_to date)
RETURNS TABLE (revision integer, measure text, geography_kind text, geography text, place text, provider text, breakdown_kind text, breakdown text,
               numerator bigint, denominator bigint, value bigint, state text, rule_version text, exact_numerator bigint, exact_denominator bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.revision, f.measure, f.geography_kind, f.geography, f.place, f.provider, f.breakdown_kind, f.breakdown, f.numerator, f.denominator,
           f.value, f.state, f.rule_version, f.exact_numerator, f.exact_denominator
    FROM publications p JOIN figures f ON f.publication_id = p.id
    WHERE p.from_on = p_from AND p.to_on = p_to
    ORDER BY p.revision
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The first day on which anything that figures count happened; null when there is nothing.
CREATE FUNCTION first_counted_day() RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT min(received_on) FROM referrals
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION earlier_figures, first_counted_day TO cmhf_app;
