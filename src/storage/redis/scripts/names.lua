-- Names of keys that look like something, some at a time. What a visitor has is not listed anywhere else.
--
-- KEYS: any key of the server that is to be asked.
-- ARGV: where the last call stopped (0 at first), how the names look, how many keys to look at.
-- Returns which server this is, where this call stopped (0 at the end), and the names.
local found = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
return { server, found[1], found[2] }
