-- Gives back holds that are over, and reads the counters of groups.
--
-- ARGV[2..5]  now, how many holds to end at most, who asks, what has to be noted of them; then groups
-- Returns nothing where not all seats are counted, else how many holds were ended, then for each group members, counted_at (both -1 if nobody ever counted), confirmed, held
-- and given_back.

if has_lost(ARGV[4], ARGV[5], tonumber(ARGV[2])) then
    return {}
end
local answer = { end_holds(tonumber(ARGV[2]), tonumber(ARGV[3])) }
for arg = 6, #ARGV do
    local it = head(ARGV[arg])
    for _, number in ipairs({ it.members or -1, it.at or -1, it.confirmed, it.held, it.given_back }) do
        answer[#answer + 1] = number
    end
end
write_heads()
return answer
