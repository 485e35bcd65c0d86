-- +goose Up

-- What a neighbourhood offers: groups, libraries, gardens, advice. Kept by service leads; nothing in it is about a person who seeks help.
-- The tier is that of the Healthy Minds framework, 1 at the bottom (determinants and equity) to 6 (response to distress).
CREATE TABLE assets (
    id            uuid PRIMARY KEY,
    name          text NOT NULL CHECK (length(btrim(name)) BETWEEN 1 AND 200),
    kind          text NOT NULL CHECK (kind IN ('SelfCare', 'PeerSupport', 'FinancialInclusion', 'SelfHarmSupport', 'Housing', 'Employment', 'Learning',
                                                'Arts', 'Nature', 'PhysicalActivity', 'Social', 'Faith', 'CulturalGroup', 'Advocacy', 'CarerSupport', 'Other')),
    tier          smallint NOT NULL CHECK (tier BETWEEN 1 AND 6),
    place         text NOT NULL CHECK (length(btrim(place)) BETWEEN 1 AND 200),
    neighbourhood text CHECK (length(btrim(neighbourhood)) BETWEEN 1 AND 200),
    contact       text NOT NULL CHECK (length(btrim(contact)) BETWEEN 1 AND 1000),
    active        boolean NOT NULL DEFAULT true,
    recorded_by   text NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    changed_by    text,
    version       bigint NOT NULL DEFAULT 1,
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX assets_list ON assets (recorded_at DESC, id DESC);
CREATE UNIQUE INDEX assets_once ON assets (lower(name), place) WHERE active;

-- Social prescribing: somebody was put in touch with an asset, and what came of it.
CREATE TABLE asset_links (
    id                  uuid PRIMARY KEY,
    person_id           uuid NOT NULL REFERENCES people,
    asset_id            uuid NOT NULL REFERENCES assets,
    service_id          uuid NOT NULL REFERENCES services,
    linked_on           date NOT NULL,
    first_attended_on   date,
    outcome             text CHECK (outcome IN ('StillGoing', 'GoalReached', 'MovedOnToAnother', 'DidNotSuit', 'NotTakenUp')),
    outcome_on          date,
    recorded_by         text NOT NULL,
    recorded_at         timestamptz NOT NULL DEFAULT now(),
    changed_by          text,
    entered_in_error_at timestamptz,
    entered_in_error_by text,
    version             bigint NOT NULL DEFAULT 1,
    updated_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT outcome_with_its_day CHECK ((outcome IS NULL) = (outcome_on IS NULL)),
    CONSTRAINT outcome_fits_attendance CHECK (outcome IS NULL OR (outcome = 'NotTakenUp') = (first_attended_on IS NULL)),
    CONSTRAINT days_in_order CHECK (first_attended_on >= linked_on AND outcome_on >= coalesce(first_attended_on, linked_on)),
    CONSTRAINT not_in_the_future CHECK (greatest(linked_on, first_attended_on, outcome_on) <= (updated_at AT TIME ZONE 'Europe/London')::date),
    CONSTRAINT error_is_whole CHECK ((entered_in_error_at IS NULL) = (entered_in_error_by IS NULL))
);
CREATE INDEX asset_links_person ON asset_links (person_id, recorded_at DESC, id DESC);
CREATE INDEX asset_links_asset ON asset_links (asset_id);

-- Whether and how a person works, as told on a day; the words are those of the national employment status list. The latest day counts.
CREATE TABLE work_statuses (
    id                  uuid PRIMARY KEY,
    person_id           uuid NOT NULL REFERENCES people,
    service_id          uuid NOT NULL REFERENCES services,
    status              text NOT NULL CHECK (status IN ('Employed', 'UnemployedSeeking', 'Student', 'LongTermSick', 'HomeOrCaring', 'NotSeeking',
                                                        'Volunteering', 'Retired', 'NotStated')),
    told_on             date NOT NULL,
    wants_work_support  boolean NOT NULL DEFAULT false,
    recorded_by         text NOT NULL,
    recorded_at         timestamptz NOT NULL DEFAULT now(),
    entered_in_error_at timestamptz,
    entered_in_error_by text,
    version             bigint NOT NULL DEFAULT 1,
    updated_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT not_in_the_future CHECK (told_on <= (recorded_at AT TIME ZONE 'Europe/London')::date),
    CONSTRAINT error_is_whole CHECK ((entered_in_error_at IS NULL) = (entered_in_error_by IS NULL))
);
CREATE INDEX work_statuses_latest ON work_statuses (person_id, told_on DESC, id DESC) WHERE entered_in_error_at IS NULL;

INSERT INTO record_tables VALUES ('asset_links'), ('work_statuses');

-- Errors: CM062 somebody was to be put in touch with what is no longer there

-- +goose StatementBegin
CREATE FUNCTION link_to_active_asset() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- The share lock makes a lead who retires the asset at the same time wait, or this one see it.
    IF NOT coalesce((SELECT active FROM assets WHERE id = NEW.asset_id FOR SHARE), true) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM062', MESSAGE = 'the asset is not active';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER link_to_active_asset BEFORE INSERT ON asset_links FOR EACH ROW EXECUTE FUNCTION link_to_active_asset();
CREATE TRIGGER not_after_death BEFORE INSERT ON asset_links   FOR EACH ROW EXECUTE FUNCTION not_after_death('linked_on');
CREATE TRIGGER not_after_death BEFORE INSERT ON work_statuses FOR EACH ROW EXECUTE FUNCTION not_after_death('told_on');
CREATE TRIGGER change_in_own_name BEFORE UPDATE OF first_attended_on, outcome, outcome_on, changed_by ON asset_links FOR EACH ROW EXECUTE FUNCTION change_in_own_name();
CREATE TRIGGER entered_in_error BEFORE UPDATE OF entered_in_error_by ON asset_links   FOR EACH ROW EXECUTE FUNCTION entered_in_error();
CREATE TRIGGER entered_in_error BEFORE UPDATE OF entered_in_error_by ON work_statuses FOR EACH ROW EXECUTE FUNCTION entered_in_error();
CREATE TRIGGER next_version BEFORE UPDATE ON assets        FOR EACH ROW EXECUTE FUNCTION next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON asset_links   FOR EACH ROW EXECUTE FUNCTION next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON work_statuses FOR EACH ROW EXECUTE FUNCTION next_version();

-- Assets are for everyone who has said who they are, and kept in one's own name.
ALTER TABLE assets        ENABLE ROW LEVEL SECURITY;
ALTER TABLE asset_links   ENABLE ROW LEVEL SECURITY;
ALTER TABLE work_statuses ENABLE ROW LEVEL SECURITY;
CREATE POLICY known ON assets FOR SELECT TO cmhf_app USING (caller_subject() IS NOT NULL);
CREATE POLICY record ON assets FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject() AND cardinality(caller_services()) > 0);
CREATE POLICY change ON assets FOR UPDATE TO cmhf_app USING (cardinality(caller_services()) > 0) WITH CHECK (changed_by = caller_subject());
CREATE POLICY visible ON asset_links   FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = asset_links.person_id));
CREATE POLICY visible ON work_statuses FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = work_statuses.person_id));
CREATE POLICY record ON asset_links FOR INSERT TO cmhf_app
    WITH CHECK (recorded_by = caller_subject() AND service_id = ANY ((SELECT caller_services())::uuid[]) AND service_supports_person(person_id, service_id));
CREATE POLICY record ON work_statuses FOR INSERT TO cmhf_app
    WITH CHECK (recorded_by = caller_subject() AND service_id = ANY ((SELECT caller_services())::uuid[]) AND service_supports_person(person_id, service_id));
CREATE POLICY change ON asset_links FOR UPDATE TO cmhf_app
    USING (EXISTS (SELECT FROM unnest((SELECT caller_services())) AS own (service) WHERE service_supports_person(asset_links.person_id, own.service) OR asset_links.service_id = own.service))
    WITH CHECK (true); -- in whose name: the triggers
CREATE POLICY retract ON work_statuses FOR UPDATE TO cmhf_app
    USING (service_id = ANY ((SELECT caller_services())::uuid[])) WITH CHECK (entered_in_error_by = caller_subject());

GRANT SELECT, INSERT (id, name, kind, tier, place, neighbourhood, contact, active, recorded_by),
      UPDATE (name, kind, tier, place, neighbourhood, contact, active, changed_by) ON assets TO cmhf_app;
GRANT SELECT, INSERT (id, person_id, asset_id, service_id, linked_on, first_attended_on, recorded_by),
      UPDATE (first_attended_on, outcome, outcome_on, changed_by, entered_in_error_by) ON asset_links TO cmhf_app;
GRANT SELECT, INSERT (id, person_id, service_id, status, told_on, wants_work_support, recorded_by),
      UPDATE (entered_in_error_by) ON work_statuses TO cmhf_app;
