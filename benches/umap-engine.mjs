// Runs the synchronising engine of an installed uMap on two lists of operations, and prints how
// many milliseconds the second one took. The engine and everything that it imports are uMap's own
// files; only the page around it (map, layers, features, the browser's globals) is stood in for,
// with as little work as possible, so that the comparison favours uMap.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const [modules, heldFile, comingFile] = process.argv.slice(2)

// Node takes .js files for ES modules only where a package.json says so: the files that the engine
// imports are put beside one for the time of the run.
const stage = mkdtempSync(join(tmpdir(), 'bivouac-umap-engine-'))
process.on('exit', () => rmSync(stage, { recursive: true, force: true }))
writeFileSync(join(stage, 'package.json'), '{"type":"module"}')
const root = resolve(modules, '../..')
const copied = new Set()
const copy = (file) => {
  if (copied.has(file)) return
  copied.add(file)
  const target = join(stage, file.slice(root.length))
  mkdirSync(dirname(target), { recursive: true })
  copyFileSync(file, target)
  for (const [, imported] of readFileSync(file, 'utf8').matchAll(/from\s+['"](\.[^'"]+)['"]/g)) {
    copy(resolve(dirname(file), imported))
  }
}
copy(resolve(modules, 'sync/engine.js'))

const nothing = () => {}
console.debug = nothing
console.error = nothing
const element = { classList: { toggle: nothing }, querySelector: () => null, querySelectorAll: () => [] }
globalThis.window = globalThis
globalThis.location = { protocol: 'http:', host: 'localhost', pathname: '/', search: '' }
globalThis.document = { ...element, body: element, createElement: () => ({ ...element }), implementation: {} }
globalThis.L = { _: (text) => text, Util: {} }
// The schema of settings; whether a key is in it is all that the engine asks.
globalThis.U = { SCHEMA: new Proxy({}, { get: (_, name) => ({ name }), has: () => true, ownKeys: () => [] }) }

class Feature {
  constructor(layer, { id, geometry, properties }) {
    Object.assign(this, { layer, id, geometry, properties })
    this.properties._umap_options ??= {}
  }
  render() {}
  del() {
    this.layer.features.delete(this.id)
  }
}
class Layer {
  features = new Map()
  constructor(value) {
    Object.assign(this, value)
  }
  makeFeature(value) {
    this.features.set(value.id, new Feature(this, value))
  }
  setProperties(properties) {
    this.properties = properties
  }
  render() {}
  show() {}
  dataChanged() {}
}
const layers = new Map()
const map = {
  properties: {},
  permissions: {},
  layers: { tree: { all: () => layers } },
  createDataLayer(value) {
    const layer = new Layer(value)
    layers.set(value.id, layer)
    return layer
  },
  onPropertiesUpdated: nothing,
  render: nothing,
}

const { SyncEngine } = await import(pathToFileURL(join(stage, resolve(modules, 'sync/engine.js').slice(root.length))).href)
const engine = new SyncEngine(map)
// What both hold already came one by one, live.
for (const operation of JSON.parse(readFileSync(heldFile, 'utf8')).message.operations) {
  engine.receive({ ...operation, kind: 'OperationMessage' })
}
const coming = readFileSync(comingFile, 'utf8')
const before = engine._operations._operations.length
const started = performance.now()
engine.receive(JSON.parse(coming))
const took = performance.now() - started
const list = JSON.parse(coming).message.operations.length
if (engine._operations._operations.length !== before + list || layers.size !== 1 || ![...layers.values()][0].features.size) {
  throw new Error('the operations did not arrive')
}
process.stdout.write(`${took}\n`)
