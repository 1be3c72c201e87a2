-- Notes how many members groups have; a count that is older than the last one changes nothing.
--
-- ARGV[2]  when they were counted; then group and members, as often as needed

local at = tonumber(ARGV[2])
for arg = 3, #ARGV, 2 do
    local it = head(ARGV[arg])
    if not it.at or it.at <= at then
        it.members, it.at, it.confirmed, it.given_back = tonumber(ARGV[arg + 1]), at, 0, 0
        it.lost, it.is_changed = nil, true
    end
end
write_heads()
return redis.status_reply('OK')
