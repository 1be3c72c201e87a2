-- What all scripts of jobs share; each script follows this text. All keys are of the hash tag of one lane.
--
-- KEYS[1]  jobs that wait or are worked on or are dead: id -> value
-- KEYS[2]  ids of jobs that wait or are worked on, by the moment from which they are ready
-- KEYS[3]  ids of dead jobs, by when they were given up
-- KEYS[4]  ids of jobs that are done, by when
-- ARGV[1]  the beginning of the names of visitors' lists. Whose jobs a script touches is known only inside it, so their names are made
--          here, with the tag of the other keys.
--
-- A value is how often the job was taken (4 bytes), the length of the visitor (1 byte; 0 or 16) and the visitor, the length of the
-- cause of the last failure (2 bytes) and the cause, and the body.

local call, sub = redis.call, string.sub
local jobs, turns, dead, done = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local function split(value)
  local tries, visitor, cause, rest = struct.unpack('>I4Bc0I2c0', value)
  return { tries = tries, visitor = visitor, cause = cause, body = sub(value, rest) }
end

local function whole(it)
  return struct.pack('>I4Bc0I2c0', it.tries, #it.visitor, it.visitor, #it.cause, it.cause) .. it.body
end

local function list_of(visitor)
  return ARGV[1] .. visitor
end

local function moment(text)
  return string.format('%.0f', tonumber(text))
end
