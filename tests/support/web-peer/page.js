// Runs inside the uMap page: reads and edits the map through the page's own objects, the way its forms do.
// Every edit here produces the same operations on the wire as the gesture of a person.
window.__peer = (() => {
  const map = () => window.U.MAP
  const layers = () => [...map().layers.tree.all()]
  const plain = (value) => (value === undefined ? null : JSON.parse(JSON.stringify(value)))

  function layer(id) {
    const found = layers().find((l) => l.id === id)
    if (!found) throw new Error(`the page has no layer ${id}; it has ${layers().map((l) => l.id).join(' ')}`)
    return found
  }
  // Ids are unique per layer only: the layer may be named, else the first one that has the id.
  function feature(id, layerId) {
    const places = layerId ? [layer(layerId)] : layers()
    for (const place of places) if (place.features.has(id)) return place.features.get(id)
    throw new Error(`the page has no feature ${id}`)
  }
  const target = ({ feature: f, layer: l }) => (f ? feature(f, l) : l ? layer(l) : map())

  function parentOf(object, path) {
    const parts = path.split('.')
    const last = parts.pop()
    let at = object
    for (const part of parts) at = at?.[part]
    return [at, last]
  }

  // What a form field does when its value changes: store, draw, tell the others.
  function set(object, key, value) {
    const [holder, last] = parentOf(object, key)
    if (!holder) throw new Error(`nothing to set ${key} on`)
    const old = plain(holder[last]) ?? undefined
    if ('setter' in object) object.setter(key, value)
    else if (value === undefined) delete holder[last]
    else holder[last] = value
    object.render([key])
    object.sync.update(key, value, old)
  }

  return {
    ready: () => Boolean(window.U?.MAP?.dataloaded && window.U.MAP.editEnabled),
    socketOpen: () => Boolean(window.U?.MAP?.syncEngine?.isOpen),
    state() {
      const m = map()
      const sync = m.syncEngine
      return {
        map: m.id,
        name: m.properties.name ?? null,
        properties: plain(m.exportProperties()),
        layers: layers().map((l) => ({
          id: l.id,
          name: l.properties.name ?? null,
          rank: l.rank ?? null,
          parent: l.parentId ?? null,
          deleted: Boolean(l.isDeleted),
          loaded: Boolean(l.isLoaded()),
          reference_version: l.referenceVersion ?? null,
          properties: plain(l.properties),
          features: l.features.all().map((f) => plain(f.toGeoJSON())),
        })),
        dirty: Boolean(m.isDirty),
        save_enabled: [...document.querySelectorAll('.edit-save')].some((b) => !b.disabled),
        connected: this.socketOpen(),
        peer_id: sync.peerId,
        peers: plain(sync.peers) ?? {},
        operations: plain(sync._operations.sorted()),
        conflict: Boolean(document.querySelector('umap-alert-conflict')?.hasAttribute('open')),
      }
    },
    set(where, key, value) {
      set(target(where), key, value)
    },
    setGeometry({ feature: id, layer: layerId }, geometry) {
      const f = feature(id, layerId)
      const old = plain(f.geometry)
      f.geometry = geometry
      f.sync.update('geometry', f.geometry, old)
    },
    addFeature(layerId, geojson) {
      const made = layer(layerId).makeFeature(geojson, true)
      if (!made) throw new Error('the page refused the feature')
      return made.id
    },
    deleteFeature({ feature: id, layer: layerId }) {
      feature(id, layerId).del()
    },
    addLayer(name) {
      const made = map().createDataLayer()
      if (name) set(made, 'properties.name', name)
      return made.id
    },
    openImporter() {
      map().importer.open()
    },
    layerIds: () => layers().map((l) => l.id),
    count: (id) => layer(id).features.all().length,
    deleteLayer(id) {
      layer(id).del()
    },
    // Where a place is on the screen, after bringing it to the middle of the map.
    showPlace([lng, lat], zoom) {
      const leaflet = map()._leafletMap
      leaflet.setView([lat, lng], zoom ?? leaflet.getZoom(), { animate: false })
      return this.place([lng, lat])
    },
    place([lng, lat]) {
      const leaflet = map()._leafletMap
      const point = leaflet.latLngToContainerPoint([lat, lng])
      const box = leaflet.getContainer().getBoundingClientRect()
      return { x: box.left + point.x, y: box.top + point.y }
    },
    edit({ feature: id, layer: layerId }) {
      feature(id, layerId).edit()
    },
    drawing: () => Boolean(map()._leafletMap.editTools.drawing()),
    ids: () => layers().flatMap((l) => l.features.all().map((f) => [l.id, f.id])),
    closePanel() {
      map().editPanel?.close()
    },
    cutSocket() {
      map().syncEngine.transport?.websocket?.close()
    },
  }
})()
