// Drags the map back and forth, a step each frame, and gives the length of every frame in ms; then the longest one
// until two seconds after the hand let go. Arguments: what to drag, whether it listens to pointers or to the mouse.
const [selector, kind, done] = [arguments[0], arguments[1], arguments[arguments.length - 1]]
const STEPS = 60, STEP_PX = 9, AFTER_MS = 2000
const box = document.querySelector(selector)
const place = box.getBoundingClientRect()
const middle = { x: place.left + place.width / 2, y: place.top + place.height / 2 }
const target = document.elementFromPoint(middle.x, middle.y) ?? box
const fire = (type, x, buttons) => {
  const init = { clientX: x, clientY: middle.y, bubbles: true, cancelable: true, view: window, buttons, button: type === 'move' ? -1 : 0 }
  const event = kind === 'pointer'
    ? new PointerEvent(`pointer${type}`, { ...init, pointerId: 1, pointerType: 'mouse', isPrimary: true })
    : new MouseEvent(`mouse${type}`, { ...init, button: 0 })
  ;(type === 'down' ? target : document).dispatchEvent(event)
}
const frames = []
let [step, x, last, longest, until] = [0, middle.x, null, 0, 0]
fire('down', x, 1)
requestAnimationFrame(function frame(now) {
  const length = last === null ? 0 : now - last
  last = now
  if (step < STEPS) {
    if (step > 0) frames.push(length)
    step += 1
    x += step <= STEPS / 2 ? -STEP_PX : STEP_PX
    fire('move', x, 1)
  } else {
    if (until === 0) {
      fire('up', x, 0)
      until = now + AFTER_MS
    }
    longest = Math.max(longest, length)
  }
  if (until === 0 || now < until) requestAnimationFrame(frame)
  else done({ frames, longest })
})
