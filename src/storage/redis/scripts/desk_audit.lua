-- Adds a record to the audit trail under the next number. KEYS: the last number, the trail. ARGV: the record.
local number = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[2], number, ARGV[1])
return number
