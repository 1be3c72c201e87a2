-- Puts back what is known of groups that storage may have lost; a count that is older than the last one changes nothing.
--
-- ARGV[2..]  group, members, counted_at (both -1 if nobody ever counted), joins since, seats held or given back since

for arg = 2, #ARGV, 5 do
    local it = head(ARGV[arg])
    local members, at = tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
    if at < 0 then
        members, at = nil, nil
    end
    if not it.at or (at and at >= it.at) then
        it.members, it.at = members, at
        it.confirmed = math.max(it.confirmed, tonumber(ARGV[arg + 3]))
        it.lost = math.max(it.lost or 0, tonumber(ARGV[arg + 4]))
        it.is_changed = true
    end
end
write_heads()
return redis.status_reply('OK')
