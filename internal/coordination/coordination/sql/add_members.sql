INSERT INTO team_members (id, episode_id, person_id, subject, name, role, organisation, recorded_by)
SELECT m.id, @episode, @person, m.subject, m.name, m.role, m.organisation, @subject
FROM unnest(@ids::uuid[], @subjects::text[], @names::text[], @roles::text[], @organisations::text[]) AS m (id, subject, name, role, organisation)
ON CONFLICT (episode_id, name, role, organisation) WHERE until IS NULL DO NOTHING
