SELECT id, name, kind, tier, place, neighbourhood, contact, active, recorded_at, version FROM assets
WHERE (active OR @retired) AND (@kind = '' OR kind = @kind) AND (@tier = 0 OR tier = @tier) AND (@place = '' OR place = @place)
  AND (@neighbourhood = '' OR neighbourhood = @neighbourhood
       OR (neighbourhood IS NULL AND place = (SELECT n.place FROM neighbourhoods n WHERE n.name = @neighbourhood)))
  AND (recorded_at, id) < (@at, @after)
ORDER BY recorded_at DESC, id DESC
LIMIT @limit
