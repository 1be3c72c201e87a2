-- Gives back holds that are over, and reads the counters of groups.
--
-- ARGV[2..3]  now, how many holds to end at most; then groups
-- Returns how many holds were ended, then for each group members, counted_at (both -1 if nobody ever counted), confirmed, held
-- and given_back.

local answer = { end_holds(tonumber(ARGV[2]), tonumber(ARGV[3])) }
for arg = 4, #ARGV do
    local it = head(ARGV[arg])
    for _, number in ipairs({ it.members or -1, it.at or -1, it.confirmed, it.held, it.given_back }) do
        answer[#answer + 1] = number
    end
end
write_heads()
return answer
