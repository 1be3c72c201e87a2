(function () {
'use strict';
/*{# Written for the engines of old WeChat versions: ES2017, no module, no build step. Without it the page still leads on. #}*/
const d = document, $ = id => d.getElementById(id), page = $('page'), card = $('card'), code = $('code'), enc = encodeURIComponent;
if (!page || !window.fetch || !window.Promise) { return; }
const base = '/s/' + enc(page.dataset.campaign), locate = $('locate'), status = $('status'), again = $('retry');
/*{# The address names the visit while the page loads; whoever it is shared with gets a visit of their own. #}*/
const entered = location.href.split('#')[0];
if (history.replaceState) { history.replaceState(null, '', location.pathname); }
/*{# The visitor's token stays in memory; the cookie is the server's. `turn` tells a late answer from the latest. #}*/
let scan = page.dataset.scan, route = page.dataset.route, last = {}, other = '', visitor = null, turn = 0, retry = null, slow = 0, pressed = '';

const t = (name, ...parts) => ($('words').getAttribute('data-' + name) || '').split('{}').reduce((out, piece, at) => out + (parts[at - 1] || '') + piece);
const put = (id, text) => { const e = $(id); e.textContent = text || ''; e.hidden = !text; return !!text; };
const make = (tag, text) => { const e = d.createElement(tag); e.textContent = text || ''; return e; };
const say = (text, action) => { clearTimeout(slow); status.textContent = text; retry = action || null; again.hidden = !retry; };
const busy = on => { if (locate) { on ? locate.setAttribute('aria-disabled', 'true') : locate.removeAttribute('aria-disabled'); } };
const far = (m, rough) => {
  const tens = Math.round(Math.max(m, 10) / 10) * 10;
  return (rough ? t('about') : '') + (tens < 1000 ? t('metres', String(tens)) : t('kilometres', (m / 1000).toFixed(m < 9950 && !rough ? 1 : 0)));
};

const english = d.documentElement.lang === 'en';
const date = (month, day) => english ? day + ' ' + 'JanFebMarAprMayJunJulAugSepOctNovDec'.substr(month * 3 - 3, 3) : month + '月' + day + '日';
/*{# As the store's own clocks show it, whatever the phone's. #}*/
const opens = store => {
  if (!store.opens_at) { return ''; }
  const there = store.opens_at.slice(0, 19) + 'Z', ahead = Date.parse(there) - Date.parse(store.opens_at);
  const day = days => new Date(Date.now() + ahead + days * 864e5).toISOString().slice(0, 10), time = there.slice(11, 16), on = there.slice(0, 10);
  if (store.hours && on === day(0)) { return t('opens_today', time); }
  if (store.hours && on === day(1)) { return t('opens_tomorrow', time); }
  return t('opens_day', date(+on.slice(5, 7), +on.slice(8)) + (store.hours ? ' ' + time : ''));
};

/*{# The canonical hours in words of the language; days in a row are a range. #}*/
const week = '一二三四五六日', weekday = c => english ? 'MonTueWedThuFriSatSun'.substr(week.indexOf(c) * 3, 3) : '周' + c;
const days = names => week.replace(/./g, c => names.includes(c) ? c : ' ').trim().split(/ +/).map(run => weekday(run[0]) + (run[1] ? (english ? '–' : '至') + weekday(run.slice(-1)) : '')).join(english ? ', ' : '、') + ' ';
const times = text => text.split(',').map((part, at) => {
  const [span, names] = part.split(' ').reverse(), late = span.replace('次日', '');
  return (at ? english ? names ? '; ' : ', ' : '，' : '') + (names ? days(names) : '') + (english ? late.replace('-', '–') + (late === span ? '' : ' next day') : span);
}).join('');

const post = (path, body) => {
  const stop = window.AbortController ? new AbortController() : null, timer = setTimeout(() => stop && stop.abort(), 10000);
  const sent = fetch('/api/v1/scans' + path, { method: 'POST', credentials: 'same-origin', keepalive: true, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), signal: stop ? stop.signal : undefined });
  return sent.then(r => {
    clearTimeout(timer);
    /*{# A visit that can no longer be refined: the next try opens another. #}*/
    if (r.status === 404 || r.status === 409 || r.status === 410 || r.status === 422) { scan = ''; }
    if (!r.ok) { throw new Error(String(r.status)); }
    return r.status === 204 ? null : r.json();
  });
};
const tell = event => { if (scan) { post('/' + enc(scan) + '/events', { event }).catch(() => {}); } };

/*{# The next code is loaded before anything changes, so that a name never stands over another store's code. #}*/
const picture = join => new Promise(done => {
  if (!join) { done(null); return; }
  const img = new Image(264, 264), ready = () => done(img);
  img.id = 'qr';
  img.alt = t(join.kind === 'contact' ? 'alt_contact' : 'alt_group', join.name);
  img.addEventListener('load', ready);
  img.addEventListener('error', ready);
  setTimeout(ready, 4000);
  img.src = join.qr_png + '?size=792';
});

const item = (it, rough) => {
  const li = make('li'), a = make('a'), span = make('span');
  a.href = base + '?store=' + enc(it.id) + '&scan=' + enc(scan);
  a.dataset.store = it.id;
  span.appendChild(make('b', it.name));
  if (it.address) { span.appendChild(make('small', it.address)); }
  a.appendChild(span);
  if (typeof it.distance_m === 'number') { a.appendChild(make('i', far(it.distance_m, rough))); }
  li.appendChild(a);
  return li;
};

/*{# The same choices as the page's view makes on the server. #}*/
const show = (a, join, img) => {
  const fix = a.fix || {}, choosing = a.outcome === 'choose', rough = fix.source === 'ip' || fix.accuracy_m > 1000;
  const blind = choosing && (!a.store || fix.source === 'ip' || fix.source === 'none');
  const store = (a.outcome === 'routed' || choosing && !blind) && a.store || null, fall = a.fallback;
  const place = fix.source === 'ip' && a.region && (a.region.city || a.region.province);
  const source = { gps: 'nearest', chosen: 'chosen', previous: 'previous' }[fix.source] || 'by_network';
  page.dataset.outcome = a.outcome;
  put('eyebrow', store ? t(choosing ? 'likely' : fall && fall.rung === 'next_store' ? 'suggested' : source) : place ? t('near_place', place) : '');
  put('title', store ? store.name : t(a.outcome === 'out_of_reach' ? 'out_of_reach' : choosing && fix.source === 'gps' ? 'which' : 'find'));
  put('distance', store && typeof store.distance_m === 'number' ? far(store.distance_m, rough) : '');
  $('address').parentNode.hidden = !put('address', store && store.address);
  const open = store && typeof store.open === 'boolean' ? store.open : null;
  const hours = put('hours', store && store.hours && times(store.hours)), known = put('open', open === null ? '' : t(open ? 'open' : 'closed'));
  $('open').className = open ? 'yes' : '';
  $('open').parentNode.hidden = !hours && !known;
  const away = $('distance').textContent, rung = fall && fall.rung;
  const why = () => t('why_' + fall.reason, fall.store && fall.store.name || t(rung === 'next_store' ? 'nearest_store' : 'this_store'));
  const when = store ? opens(store) : '', ours = join && join.kind === 'group' && (!fall || rung === 'next_store' || rung === 'group');
  put('opens', when && when + (ours ? t('closed_join') : ''));
  put('note', store ? fall && (rung === 'group' ? '' : why()) + t('rung_' + rung + (rung === 'next_store' && away ? '_at' : ''), away) : join && (rung === 'region' ? t('join_region', join.name) : t('join_brand', d.querySelector('.name').textContent)));
  card.classList.toggle('coded', !!join);
  card.classList.toggle('lost', !!join && a.outcome === 'unknown_place');
  card.classList.toggle('pick', !locate && !join);
  code.hidden = !join;
  code.dataset.join = join ? join.qr_png : '';
  $('frame').textContent = '';
  if (join) {
    $('frame').appendChild(img);
    const own = store && rung !== 'region' && rung !== 'campaign', how = $('how');
    how.textContent = t(join.kind === 'contact' ? 'add_contact' : own ? 'join_store' : 'join_group');
    how.insertBefore(make('b', code.dataset.how), how.firstChild);
    const end = new Date(join.expires_at || NaN), soon = end - Date.now() < 3 * 864e5;
    put('expires', soon && t('expires', date(end.getMonth() + 1, end.getDate())));
    const safe = /^https:/.test(join.url || '');
    other = a.other_route || '';
    put('switch', other && t('switch_' + other));
    $('switch').href = base + '?route=' + other + (fix.source === 'chosen' && store ? '&store=' + enc((fall && fall.store || store).id) : '') + '&scan=' + enc(scan);
    $('link').hidden = !safe;
    $('linked').hidden = !/[?&]customer_channel=/.test(join.url);
    if (safe) { $('link').href = join.url; }
  }
  const listed = (a.alternatives || []).slice(0, 8), list = $('list');
  if (blind && a.store && !listed.some(it => it.id === a.store.id)) { listed.unshift(a.store); }
  list.textContent = '';
  listed.forEach(it => list.appendChild(item(it, rough)));
  $('others').hidden = !listed.length;
  $('list-title').textContent = t(a.outcome === 'out_of_reach' ? 'farther' : store && !choosing ? 'others' : 'candidates');
  if (locate) { locate.textContent = t(fix.source === 'gps' ? 'locate_again' : 'locate'); }
  $('other').textContent = t(store ? 'not_store' : 'choose');
  $('other').href = base + '/choose?' + (store ? 'near=' + enc(store.id) + '&not_mine=1&' : '') + 'scan=' + enc(scan);
  say(choosing && fix.source === 'gps' ? t('imprecise', far(fix.accuracy_m || 1000)) : '');
  if (img && img.complete && !img.naturalWidth) { broken(); }
  window.scrollTo(0, 0);
  $('title').focus();
};

const ask = body => {
  const mine = ++turn, message = Object.assign({ campaign: page.dataset.campaign }, body);
  if (scan) { message.scan = scan; }
  if (visitor) { message.visitor = visitor; }
  if (route) { message.route = route; }
  last = body;
  busy(true);
  say(t('searching'));
  post('', message).then(a => {
    scan = a.scan || scan;
    visitor = a.visitor || visitor;
    const source = (a.fix || {}).source, join = a.outcome === 'choose' && (!a.store || source === 'ip' || source === 'none') ? null : a.join;
    return picture(join).then(img => { if (mine === turn) { busy(false); show(a, join, img); } });
  }).catch(() => {
    if (mine === turn) { busy(false); say(t('network'), () => ask(body)); }
  });
};

/*{# WeChat's own script, where an account is set: in the datum it is asked for. iOS wants the address that was entered signed, others the one that is shown. #}*/
const askWechat = () => new Promise((found, lost) => {
  const wx = window.wx, late = setTimeout(lost, 4000), url = /iPhone|iPad/.test(navigator.userAgent) ? entered : location.href.split('#')[0];
  fetch('/api/v1/wechat/js-config?url=' + enc(url)).then(r => { if (!r.ok) { throw 0; } return r.json(); }).then(c => {
    wx.config({ appId: c.app_id, timestamp: c.timestamp, nonceStr: c.nonce, signature: c.signature, jsApiList: ['getLocation'] });
    wx.error(lost);
    wx.ready(() => {
      clearTimeout(late);
      setTimeout(lost, 20000);
      wx.getLocation({ type: 'gcj02', fail: lost, cancel: () => lost('refused'), success: p => found({ lat: +p.latitude, lng: +p.longitude, datum: 'gcj02', accuracy_m: +p.accuracy || null }) });
    });
  }).catch(lost);
});
/*{# The watchdog is for engines that never answer. #}*/
const askBrowser = () => new Promise((found, lost) => {
  if (window.isSecureContext === false || !navigator.geolocation) { lost('insecure'); return; }
  setTimeout(() => lost('timeout'), 20000);
  navigator.geolocation.getCurrentPosition(
    p => found({ lat: p.coords.latitude, lng: p.coords.longitude, datum: 'wgs84', accuracy_m: p.coords.accuracy }),
    e => lost(e.code === 1 ? 'refused' : e.code === 3 ? 'timeout' : 'unavailable'),
    { enableHighAccuracy: true, timeout: 8000, maximumAge: 60000 });
});
/*{# The one place that asks for a position. Whatever hinders WeChat's script but a refusal, the browser is asked. #}*/
const askPosition = () => window.wx && window.wx.config && page.dataset.wx ? askWechat().catch(why => { if (why === 'refused') { throw why; } return askBrowser(); }) : askBrowser();
const toList = () => { const title = $('list-title'); if (!$('others').hidden) { title.focus(); title.scrollIntoView(); } };

$('ask').addEventListener('submit', e => {
  e.preventDefault();
  if (!locate || locate.hasAttribute('aria-disabled')) { return; }
  const mine = ++turn;
  busy(true);
  say(t('locating'));
  slow = setTimeout(() => { status.textContent = t('locating_slow'); }, 3000);
  askPosition().then(position => { if (mine === turn) { ask({ position, consent: page.dataset.notice }); } }, why => {
    if (mine !== turn) { return; }
    busy(false);
    say(t(why));
    card.classList.add('pick');
    if (why === 'refused') { tell('refused'); }
  });
});
again.addEventListener('click', () => { if (retry) { retry(); } });
$('list').addEventListener('click', e => {
  const a = e.target.closest('a');
  if (a && !e.ctrlKey && !e.metaKey) { e.preventDefault(); ask({ store: a.dataset.store }); }
});
/*{# The first answer came with the page, whose address says what was asked; later ones are asked again as they were. #}*/
$('switch').addEventListener('click', e => {
  if (other && !e.ctrlKey && !e.metaKey) { e.preventDefault(); route = other; ask(last); }
});
$('other').addEventListener('click', e => {
  if (/not_mine=1/.test(e.currentTarget.href) && !$('others').hidden) { e.preventDefault(); tell('not_mine'); toList(); }
});

/*{# A long press is only watched: stopping it, or laying anything over the picture, would stop WeChat too. #}*/
const press = () => { const join = code.dataset.join; if (join && join !== pressed) { pressed = join; tell('pressed'); } };
let held = 0, since = 0, x = 0, y = 0;
const onCode = e => e.target.id === 'qr', quiet = { passive: true };
code.addEventListener('contextmenu', e => { if (onCode(e)) { press(); } });
code.addEventListener('touchstart', e => {
  clearTimeout(held);
  if (onCode(e) && e.touches.length === 1) { x = e.touches[0].clientX; y = e.touches[0].clientY; since = Date.now(); held = setTimeout(press, 500); }
}, quiet);
const drop = () => { clearTimeout(held); since = 0; };
code.addEventListener('touchmove', e => { if (Math.abs(e.touches[0].clientX - x) + Math.abs(e.touches[0].clientY - y) > 12) { drop(); } }, quiet);
code.addEventListener('touchend', drop, quiet);
/*{# The phone's own long press ends ours with a cancel at about the same time. #}*/
code.addEventListener('touchcancel', () => { if (since && Date.now() - since > 450) { press(); } drop(); }, quiet);

const broken = () => say(t('no_picture'), () => {
  const img = $('qr');
  say('');
  if (img) { img.src = img.src.split('&')[0] + '&again=' + Date.now(); }
});
code.addEventListener('error', e => { if (onCode(e)) { broken(); } }, true);
const first = $('qr');
if (first && first.complete && !first.naturalWidth) { broken(); }

const copy = $('copy');
if (copy) {
  copy.addEventListener('click', () => {
    const done = () => { copy.textContent = t('copied'); }, old = () => {
      const box = make('textarea', location.href);
      d.body.appendChild(box);
      box.select();
      if (d.execCommand('copy')) { done(); }
      d.body.removeChild(box);
      copy.focus();
    };
    navigator.clipboard ? navigator.clipboard.writeText(location.href).then(done, old) : old();
  });
}
})();
