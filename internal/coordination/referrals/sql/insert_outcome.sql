INSERT INTO referral_outcomes (referral_id, kind, party_name, party_organisation, party_on, party_channel, told_how, capacity, duplicate_of,
                               died_on, death_source, recorded_by)
VALUES (@id, @kind, @party_name, @party_organisation, @party_on::date, @party_channel, @told_how, @capacity, @duplicate_of,
        @died_on::date, @death_source, @subject)
