-- Another referral of the same person that goes on: open, or accepted into an episode that is open. One that sent the person here does not count.
SELECT EXISTS (
    SELECT FROM referrals other
    JOIN referrals r ON r.id = @id AND other.person_id IN (SELECT records_of(r.person_id)) AND other.id <> r.id AND other.id IS DISTINCT FROM r.redirected_from
    LEFT JOIN episodes e ON e.id = other.episode_id
    WHERE other.id = @other AND (other.state = 'Open' OR (other.state = 'Accepted' AND e.state = 'Open')))
