UPDATE team_members m SET until = @until, ended_by = @subject
WHERE m.episode_id = @episode AND m.until IS NULL
  AND NOT EXISTS (SELECT FROM unnest(@names::text[], @roles::text[], @organisations::text[], @subjects::text[]) AS stays (name, role, organisation, subject)
                  WHERE (stays.name, stays.role, stays.organisation) = (m.name, m.role, m.organisation) AND stays.subject IS NOT DISTINCT FROM m.subject)
