// A real browser with uMap pages, driven by JSON lines: {"id", "cmd", "peer", ...} on stdin gives {"id", "ok"} or
// {"id", "error"} on stdout. One Chromium, one context (cookies of its own) per peer. Ends when stdin ends.
import { createInterface } from 'node:readline'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const PAGE_SCRIPT = fileURLToPath(new URL('./page.js', import.meta.url))
// A benchmark's pages may take minutes.
const TIMEOUT = Number(process.env.BIVOUAC_TEST_PATIENCE_MS ?? 30_000)
const peers = new Map()
let browser

function executable() {
  const places = [process.env.BIVOUAC_TEST_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  const found = places.find((path) => path && existsSync(path))
  if (!found) throw new Error('no Chromium: run tests/support/install.sh test')
  return found
}

async function launch() {
  browser = await chromium.launch({
    executablePath: executable(),
    headless: true,
    args: [
      // As root Chromium starts only without its sandbox; the pages are our own test server's.
      ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-background-timer-throttling',
      '--disable-renderer-backgrounding',
      // Nothing but loopback is reachable, so no test depends on a network.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
    ],
  })
  return { version: browser.version() }
}

async function newPeer({ peer }) {
  if (peers.has(peer)) throw new Error(`there is a peer ${peer} already`)
  const context = await browser.newContext({ locale: 'en-US', timezoneId: 'UTC', viewport: { width: 1200, height: 800 } })
  context.setDefaultTimeout(TIMEOUT)
  await context.addInitScript({ path: PAGE_SCRIPT })
  const page = await context.newPage()
  const it = { context, page, posts: [], inFlight: 0, socket: null, frames: [], errors: [] }
  // uMap asks before leaving unsaved changes: unanswered, a reload would hang.
  page.on('dialog', (dialog) => dialog.accept().catch(() => {}))
  page.on('pageerror', (error) => it.errors.push(String(error?.message ?? error)))
  page.on('request', (r) => { if (r.method() === 'POST') it.inFlight += 1 })
  // Not `requestfinished`: a refused save (412, body never read) ends as `requestfailed` after its response.
  const answered = new WeakSet()
  const settle = (r, status, headers) => {
    if (r.method() !== 'POST' || answered.has(r)) return
    answered.add(r)
    it.inFlight -= 1
    it.posts.push({
      path: new URL(r.url()).pathname,
      status,
      version: headers['x-datalayer-version'] ?? null,
      reference: r.headers()['x-datalayer-reference'] ?? null,
    })
  }
  page.on('response', (response) => settle(response.request(), response.status(), response.headers()))
  page.on('requestfailed', (r) => settle(r, 0, {}))
  page.on('websocket', (socket) => {
    const mine = { welcomed: 0, listed: false }
    it.socket = mine
    const note = (dir) => ({ payload }) => it.frames.push({ dir, text: String(payload) })
    socket.on('framesent', note('sent'))
    socket.on('framereceived', note('recv'))
    socket.on('framereceived', ({ payload }) => {
      const text = String(payload)
      if (text.includes('"JoinResponse"')) mine.welcomed = Date.now()
      // It comes through the room itself: from now on the room is heard.
      if (text.includes('"ListPeersResponse"') && mine.welcomed) mine.listed = true
    })
    socket.on('close', () => { if (it.socket === mine) it.socket = null })
  })
  peers.set(peer, it)
}

async function signIn({ context }, { server, user, password }) {
  await context.request.get(`${server}/en/login/`)
  const token = (await context.cookies(server)).find((cookie) => cookie.name === 'csrftoken')?.value
  if (!token) throw new Error('the sign-in page gave no csrftoken cookie')
  const answer = await context.request.post(`${server}/en/login/`, {
    form: { username: user, password, csrfmiddlewaretoken: token },
    maxRedirects: 0,
  })
  if (answer.status() !== 302) throw new Error(`signing in as ${user} was answered ${answer.status()}`)
}

const inPage = (it, name, ...args) => it.page.evaluate(([n, a]) => window.__peer[n](...a), [name, args])
const until = (it, name, timeout = TIMEOUT) =>
  it.page.waitForFunction((n) => window.__peer[n](), name, { timeout, polling: 50 }).catch(async (error) => {
    throw new Error(`the page was not ${name} after ${timeout} ms (errors in the page: ${it.errors.join('; ') || 'none'}): ${error.message.split('\n')[0]}`)
  })

// The page keeps its list of peers while it is away, and the server's list may lack a page that came back, so
// neither tells whether it has joined. The server now and then forgets the first list, too: two seconds after
// the welcome the room works all the same.
const joined = ({ socket }) => Boolean(socket?.welcomed && (socket.listed || Date.now() - socket.welcomed > 2000))
const connected = async (it) => joined(it) && inPage(it, 'socketOpen')

async function waitConnected(it, { timeout = TIMEOUT } = {}) {
  const deadline = Date.now() + timeout
  while (!(await connected(it))) {
    if (Date.now() > deadline) {
      const kinds = it.frames.slice(-8).map((f) => `${f.dir} ${f.text.slice(0, 60)}`)
      throw new Error(`the page was not in the room after ${timeout} ms; socket ${JSON.stringify(it.socket)}, last frames ${JSON.stringify(kinds)}, its errors: ${it.errors.join('; ') || 'none'}`)
    }
    await it.page.waitForTimeout(50)
  }
}

async function afterLoad(it, { realTime }) {
  await until(it, 'ready')
  if (realTime) await waitConnected(it)
}

async function open(it, args) {
  // The secret edit link leaves its right in a cookie.
  if (args.editLink) await it.context.request.get(args.editLink)
  const url = new URL(args.url)
  url.searchParams.set('edit', '')
  await it.page.goto(url.href, { waitUntil: 'domcontentloaded' })
  await afterLoad(it, args)
}

async function reload(it, args) {
  const url = new URL(it.page.url())
  url.searchParams.set('edit', '')
  url.hash = ''
  await it.page.goto(url.href, { waitUntil: 'domcontentloaded' })
  await afterLoad(it, args)
}

async function save(it, { timeout = TIMEOUT } = {}) {
  const first = it.posts.length
  const state = () => it.page.evaluate(() => ({ dirty: window.U.MAP.isDirty, conflict: window.__peer.state().conflict }))
  const before = await state()
  if (!before.dirty) return { clicked: false, posts: [], ...before }
  await it.page.locator('.edit-save').first().click({ timeout })
  const deadline = Date.now() + timeout
  let quiet = 0
  for (;;) {
    await it.page.waitForTimeout(50)
    const now = await state()
    // Between two of a save's requests nothing is in flight for a moment; a layer never saved is deleted without any.
    quiet = it.inFlight === 0 ? quiet + 1 : 0
    const posts = it.posts.slice(first)
    if (quiet >= 2 && !now.dirty) return { clicked: true, posts, ...now }
    if (quiet >= 20) return { clicked: true, posts, ...now }
    if (Date.now() > deadline) throw new Error(`the save did not end in ${timeout} ms: ${JSON.stringify(posts)}`)
  }
}

// A person's way: the drawing tool, then a click on the map.
async function clickMarker(it, { lng, lat }) {
  const before = new Set((await inPage(it, 'ids')).map(String))
  await inPage(it, 'closePanel')
  const at = await inPage(it, 'showPlace', [lng, lat])
  await it.page.locator('.umap-edit-bar .icon-marker').click()
  const made = async () => (await inPage(it, 'ids')).find((pair) => !before.has(String(pair)))
  for (let i = 0; i < 100; i += 1) {
    // A busy page may miss a click: again as long as its drawing tool still waits for one.
    if (i % 20 === 0 && (await inPage(it, 'drawing'))) {
      await it.page.mouse.move(at.x - 3, at.y - 3)
      await it.page.mouse.move(at.x, at.y, { steps: 3 })
      await it.page.mouse.click(at.x, at.y, { delay: 30 })
    }
    const pair = await made()
    if (pair) return { layer: pair[0], feature: pair[1] }
    await it.page.waitForTimeout(50)
  }
  throw new Error('a click on the map made no marker')
}

async function dragMarker(it, { where, from, to }) {
  await inPage(it, 'closePanel')
  await inPage(it, 'showPlace', from)
  await inPage(it, 'edit', where)
  await it.page.waitForTimeout(300)
  const start = await inPage(it, 'place', from)
  const end = await inPage(it, 'place', to)
  // The pin stands above its place: take it by its middle.
  await it.page.mouse.move(start.x, start.y - 20)
  await it.page.mouse.down()
  await it.page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2 - 20, { steps: 4 })
  await it.page.mouse.move(end.x, end.y - 20, { steps: 4 })
  await it.page.mouse.up()
}

async function typeName(it, { where, name }) {
  await inPage(it, 'edit', where)
  await it.page.locator('.umap-field-name input').first().fill(name)
  // The form waits for 300 ms of quiet before it takes the text.
  await it.page.waitForTimeout(400)
  await inPage(it, 'closePanel')
}

// Through the import form, as a person pastes data.
async function importText(it, { name, text }) {
  const before = new Set(await inPage(it, 'layerIds'))
  await inPage(it, 'openImporter')
  const form = it.page.locator('.umap-import')
  // The form empties itself when its panel is open, then lists the layers.
  await form.locator('[name=layer-id] option').first().waitFor({ state: 'attached' })
  await form.locator('textarea').fill(text)
  await form.locator('textarea').dispatchEvent('change')
  await form.locator('[name=format]').selectOption('geojson')
  await form.locator('[name=layer-name]').fill(name)
  await form.locator('[name=submit]').click()
  for (let i = 0; i < 600; i += 1) {
    const made = (await inPage(it, 'layerIds')).find((id) => !before.has(id))
    if (made && (await inPage(it, 'count', made)) > 0) return made
    await it.page.waitForTimeout(50)
  }
  throw new Error('the import made no layer with features')
}

const commands = {
  signIn,
  importText,
  open,
  reload,
  save,
  clickMarker,
  dragMarker,
  typeName,
  waitConnected,
  state: async (it) => {
    const state = await inPage(it, 'state')
    return { ...state, connected: state.connected && joined(it), errors: it.errors }
  },
  set: (it, { where, key, value }) => inPage(it, 'set', where, key, value),
  setGeometry: (it, { where, geometry }) => inPage(it, 'setGeometry', where, geometry),
  addFeature: (it, { layer, feature }) => inPage(it, 'addFeature', layer, feature),
  deleteFeature: (it, { where }) => inPage(it, 'deleteFeature', where),
  addLayer: (it, { name }) => inPage(it, 'addLayer', name),
  deleteLayer: (it, { layer }) => inPage(it, 'deleteLayer', layer),
  undo: (it) => it.page.locator('.edit-undo').click(),
  redo: (it) => it.page.locator('.edit-redo').click(),
  evaluate: (it, { script }) => it.page.evaluate(script),
  frames: (it, { from }) => it.frames.slice(from),
  screenshot: (it, { path }) => it.page.screenshot({ path }),
  async offline(it) {
    await it.context.setOffline(true)
    // Chromium's switch leaves sockets alone that are open already.
    await inPage(it, 'cutSocket')
  },
  online: (it) => it.context.setOffline(false),
  async close(it, { peer }) {
    peers.delete(peer)
    await it.context.close()
  },
}

async function run(request) {
  if (request.cmd === 'launch') return launch()
  if (request.cmd === 'newPeer') return newPeer(request)
  const it = peers.get(request.peer)
  if (!it) throw new Error(`no peer ${request.peer}`)
  const command = commands[request.cmd]
  if (!command) throw new Error(`no command ${request.cmd}`)
  return command(it, request)
}

const answer = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)
const lines = createInterface({ input: process.stdin })
lines.on('line', async (line) => {
  const request = JSON.parse(line)
  try {
    answer({ id: request.id, ok: (await run(request)) ?? null })
  } catch (error) {
    answer({ id: request.id, error: String(error?.message ?? error) })
  }
})
lines.on('close', async () => {
  await browser?.close().catch(() => {})
  process.exit(0)
})
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, async () => {
    await browser?.close().catch(() => {})
    process.exit(1)
  })
}
