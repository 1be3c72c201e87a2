-- Changes visits of one partition and its tallies by the difference, in one step.
--
-- KEYS: visits by time, visits by their first step, marks of the forgotten, days with tallies.
-- ARGV: the prefix of all other keys of this partition (a visitor's records and their order, a day's tallies), whether what is removed stays
-- counted ('removed') or not ('told'), how many steps may be removed; then six for each change, those of one visitor together:
--   'put', visitor, its mark, scan, body or '', steps             a record or steps of a visit, or both
--   'remove', visitor, its mark, scan, day or '', ''              a visit, if it is of an earlier day
--   'age', visitor, its mark, scan, milliseconds since 1970, ''   its steps of before that
--   'lack', visitor, its mark, scan, steps, ''                    its steps of these kinds
-- Returns a number for each: of 'put' 1 if the visit was let go, 2 if only its record was; of 'remove' 100 for the record and 1
-- for each step; of 'age' and 'lack' how many steps.
--
-- A value is a byte of flags that says which steps there are, the 7 bytes of the time of each, and the body: one byte of stages,
-- 8 of the revision, 7 of the time, 3 of the day, 3 of the length of the cell, the cell, and what is none of this script's business.
-- A visit without a body is steps that came while the record was on its way.

local call, byte, sub = redis.call, string.byte, string.sub
local band, bor = bit.band, bit.bor
local prefix, is_removal, budget = ARGV[1], ARGV[2] == 'removed', tonumber(ARGV[3])
local by_time, by_step, forgotten, days = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local has_marks = call('EXISTS', forgotten) == 1
-- Visits of one visitor that are looked at whole; beyond that, an index says which of them stands for a day.
local WHOLE_MAX = 64
local BITS = { [0] = 1, 2, 4, 8, 16, 32 }

local function number_of(mask)
  local found = 0
  for kind = 0, 4 do
    if band(mask, BITS[kind]) ~= 0 then found = found + 1 end
  end
  return found
end

local function times_of(steps)
  local mask, at, times = byte(steps), 2, {}
  for kind = 0, 4 do
    if band(mask, BITS[kind]) ~= 0 then
      times[kind] = struct.unpack('>i7', steps, at)
      at = at + 7
    end
  end
  return times
end

local function steps_of(times)
  local mask, parts = 0, {}
  for kind = 0, 4 do
    if times[kind] then
      mask = mask + BITS[kind]
      parts[#parts + 1] = struct.pack('>i7', times[kind])
    end
  end
  return string.char(mask) .. table.concat(parts)
end

-- Of each kind the earliest.
local function merged(one, other)
  if byte(other) == 0 then return one end
  if byte(one) == 0 then return other end
  local times = times_of(one)
  for kind, at in pairs(times_of(other)) do
    if not times[kind] or at < times[kind] then times[kind] = at end
  end
  return steps_of(times)
end

-- A visit as it is at one moment; it is never changed, only replaced.
local function entry(scan, steps, body)
  local it = { scan = scan, steps = steps, body = body }
  if body ~= '' then
    local stages, revision, at, day, size = struct.unpack('>Bi8i7i3I3', body)
    local mask = byte(steps)
    local proved = 0
    if band(mask, 1) ~= 0 then proved = 8 end
    if band(mask, 8) ~= 0 then proved = proved + 16 end
    if band(mask, 16) ~= 0 then proved = proved + 32 end
    if proved ~= 0 then stages = bor(stages, 4 + proved) end
    it.revision, it.at, it.day, it.stages = revision, at, day, stages
    it.cell = sub(body, 23, 22 + size)
    local went = 5
    while went > 0 and band(stages, BITS[went]) == 0 do went = went - 1 end
    it.went = went
  end
  return it
end

-- Lua compares strings by the server's locale.
local function is_before(one, other)
  for n = 1, #one do
    local a, b = byte(one, n), byte(other, n)
    if a ~= b then return a < b end
  end
  return false
end

local function is_further(one, other)
  if one.went ~= other.went then return one.went > other.went end
  if one.at ~= other.at then return one.at < other.at end
  return is_before(one.scan, other.scan)
end

-- The visit that stands for each day.
local function furthest(entries)
  local best = {}
  for _, it in pairs(entries) do
    if it and it.day and (not best[it.day] or is_further(it, best[it.day])) then best[it.day] = it end
  end
  return best
end

local changes = {}

-- Counts a visit (from 0) or a visitor's day (from 6).
local function count(it, from, times)
  local cells = changes[it.day]
  if not cells then
    cells = {}
    changes[it.day] = cells
  end
  local counts = cells[it.cell]
  if not counts then
    counts = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
    cells[it.cell] = counts
  end
  for n = 0, 5 do
    if band(it.stages, BITS[n]) ~= 0 then counts[from + n + 1] = counts[from + n + 1] + times end
  end
end

local function is_zero(counts)
  for n = 1, 12 do
    if counts[n] ~= 0 then return false end
  end
  return true
end

-- Twelve bytes where that is enough, which is nearly always.
local function packed(counts)
  for n = 1, 12 do
    if counts[n] < 0 or counts[n] > 255 then return struct.pack('>i4i4i4i4i4i4i4i4i4i4i4i4', unpack(counts)) end
  end
  return string.char(unpack(counts))
end

local function counts_of(value)
  if #value == 12 then return { byte(value, 1, 12) } end
  local counts = { struct.unpack('>i4i4i4i4i4i4i4i4i4i4i4i4', value) }
  -- Where the next field would begin.
  counts[13] = nil
  return counts
end

local function add(key, cells, times)
  local is_changed = false
  for cell, counts in pairs(cells) do
    if not is_zero(counts) then
      is_changed = true
      local old = call('HGET', key, cell)
      local sum = old and counts_of(old) or { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
      for n = 1, 12 do sum[n] = sum[n] + times * counts[n] end
      if is_zero(sum) then call('HDEL', key, cell) else call('HSET', key, cell, packed(sum)) end
    end
  end
  return is_changed
end

local function first_step(it)
  local first
  if it and it.day and byte(it.steps) ~= 0 then
    for _, at in pairs(times_of(it.steps)) do
      if not first or at < first then first = at end
    end
  end
  return first
end

local function read(scan, value)
  local cut = 1 + 7 * number_of(byte(value))
  return entry(scan, sub(value, 1, cut), sub(value, cut + 1))
end

-- The place of a visit in the index of its visitor: in the order of bytes, the first of a day stands for it.
local function rank_of(it)
  return struct.pack('>I3BI7', it.day + 8388608, 5 - it.went, it.at + 1125899906842624) .. it.scan
end

local function first_of(ranks, day)
  local from, to = struct.pack('>I3', day + 8388608), struct.pack('>I3', day + 8388609)
  local first = call('ZRANGEBYLEX', ranks, '[' .. from, '(' .. to, 'LIMIT', 0, 1)[1]
  return first and sub(first, 12)
end

-- Writes a visit down, and where it is found; ranks is the index, if there is one.
local function keep(key, ranks, visitor, scan, old, new)
  if old and old.day then
    count(old, 0, -1)
    if ranks then call('ZREM', ranks, rank_of(old)) end
  end
  if new and new.day then
    count(new, 0, 1)
    if ranks then call('ZADD', ranks, 0, rank_of(new)) end
  end
  local member = scan .. visitor
  if new then call('HSET', key, scan, new.steps .. new.body) else call('HDEL', key, scan) end
  local was, is = old and old.at, new and new.at
  if is and is ~= was then call('ZADD', by_time, string.format('%.0f', is), member) end
  if was and not is then call('ZREM', by_time, member) end
  was, is = first_step(old), first_step(new)
  if is and is ~= was then call('ZADD', by_step, string.format('%.0f', is), member) end
  if was and not is then call('ZREM', by_step, member) end
end

local work = {}

function work.put(entries, scan, body, steps, mark)
  local it, reply = entries[scan], 0
  if mark and body ~= '' then
    local _, _, at = struct.unpack('>Bi8i7', body)
    if at <= mark then
      if not (it and it.day) then
        entries[scan] = false
        return 1
      end
      body, reply = '', 2
    end
  elseif mark and not it then
    local late = false
    for _, at in pairs(times_of(steps)) do late = late or at > mark end
    if not late then return 0 end
  end
  local old_steps, old_body = it and it.steps or '\0', it and it.body or ''
  local new_steps = merged(old_steps, steps)
  if body ~= '' and old_body ~= '' then
    local _, revision = struct.unpack('>Bi8', body)
    if revision <= it.revision then body = '' end
  end
  local new_body = body ~= '' and body or old_body
  if new_steps ~= old_steps or new_body ~= old_body then entries[scan] = entry(scan, new_steps, new_body) end
  return reply
end

function work.remove(entries, scan, day)
  local it = entries[scan]
  if not it or day ~= '' and not (it.day and it.day < tonumber(day)) then return 0 end
  entries[scan] = false
  return it.day and 100 + number_of(byte(it.steps)) or 0
end

function work.age(entries, scan, before)
  local it, removed = entries[scan], 0
  if not it then return 0 end
  local times = times_of(it.steps)
  for kind = 0, 4 do
    if budget > 0 and times[kind] and times[kind] < tonumber(before) then
      times[kind] = nil
      budget, removed = budget - 1, removed + 1
    end
  end
  if removed > 0 then entries[scan] = entry(scan, steps_of(times), it.body) end
  return removed
end

function work.lack(entries, scan, steps)
  local it, removed = entries[scan], 0
  if not (it and it.day) then return 0 end
  local times = times_of(it.steps)
  for kind in pairs(times_of(steps)) do
    if times[kind] then
      times[kind] = nil
      removed = removed + 1
    end
  end
  if removed > 0 then entries[scan] = entry(scan, steps_of(times), it.body) end
  return removed
end

-- The visits of a visitor that has many: each is read when it is asked for.
local function one_by_one(key, ranks)
  if call('EXISTS', ranks) == 0 then
    local values = call('HGETALL', key)
    for n = 1, #values, 2 do
      local it = read(values[n], values[n + 1])
      if it.day then call('ZADD', ranks, 0, rank_of(it)) end
    end
  end
  return setmetatable({}, {
    __index = function(entries, scan)
      local value = call('HGET', key, scan)
      local it = value and read(scan, value) or false
      entries[scan] = it
      return it
    end,
  })
end

local function all_at_once(key)
  local entries, values = {}, call('HGETALL', key)
  for n = 1, #values, 2 do entries[values[n]] = read(values[n], values[n + 1]) end
  return entries
end

local replies, at = {}, 4
while at <= #ARGV do
  local visitor = ARGV[at + 1]
  local key = prefix .. 'v' .. visitor
  local ranks = call('HLEN', key) > WHOLE_MAX and prefix .. 'b' .. visitor
  local entries = ranks and one_by_one(key, ranks) or all_at_once(key)
  local was = ranks and {} or furthest(entries)
  local mark = has_marks and tonumber(call('ZSCORE', forgotten, ARGV[at + 2]) or nil)
  local before = {}
  repeat
    local scan = ARGV[at + 3]
    if before[scan] == nil then before[scan] = entries[scan] or false end
    replies[#replies + 1] = work[ARGV[at]](entries, scan, ARGV[at + 4], ARGV[at + 5], mark)
    at = at + 6
  until ARGV[at + 1] ~= visitor
  local changed = {}
  for scan, old in pairs(before) do
    if (entries[scan] or false) ~= old then changed[scan] = old end
  end
  if ranks then
    for scan, old in pairs(changed) do
      for _, it in pairs({ old, entries[scan] }) do
        if it and it.day and was[it.day] == nil then
          local first = first_of(ranks, it.day)
          local stood = first and before[first]
          if first and stood == nil then stood = entries[first] end
          was[it.day] = stood or false
        end
      end
    end
  end
  for scan, old in pairs(changed) do keep(key, ranks, visitor, scan, old, entries[scan]) end
  local is = {}
  if ranks then
    for day in pairs(was) do
      local first = first_of(ranks, day)
      is[day] = first and entries[first] or false
    end
    if call('HLEN', key) <= WHOLE_MAX then call('DEL', ranks) end
  else
    is = furthest(entries)
  end
  for day, it in pairs(was) do
    if it and is[day] ~= it then count(it, 6, -1) end
  end
  for day, it in pairs(is) do
    if it and was[day] ~= it then count(it, 6, 1) end
  end
end

for day, cells in pairs(changes) do
  local key = prefix .. 't' .. day
  if add(key, cells, 1) then
    -- How often the tallies of the day have changed.
    call('HINCRBY', key, '', 1)
    call('ZADD', days, day, day)
    if is_removal then add(prefix .. 'k' .. day, cells, -1) end
  end
end
return replies
