
-- Returns how many wait, how many are dead, and from when on the first of those that wait is ready, or ''.
local first = call('ZRANGE', turns, 0, 0, 'WITHSCORES')[2]
return { call('ZCARD', turns), call('ZCARD', dead), first and moment(first) or '' }
