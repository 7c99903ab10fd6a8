'use strict';
// A queue, for the sake of the syntax.
const fs = require('fs');
class Queue extends Array {
  #limit = 3;
  static of(...items) { const queue = new Queue(); queue.push(...items); return queue; }
  get limit() { return this.#limit; }
  *drain() { while (this.length > 0) { yield this.shift(); } }
  async each(visit = (x) => x) {
    for await (const one of this) { await visit(one); }
    for (const key in { a: 1, ['b' + 1]: 2, c() { return 3; } }) { if (key === 'a') continue; else break; }
  }
}
var label = function named(a, { b, c = 2, ...rest }, [d, , e]) {
  if (!(this instanceof named)) { return new named(a, { b, c }, [d, e]); }
  const text = `a ${b ? `nested ${c}` : 'none'} b`;
  switch (typeof text) {
    case 'string': case 'number': rest.x = text.replace(/\/[^/]+$/u, '') || a?.b?.[0]; break;
    default: throw new TypeError('no ' + text);
  }
  try { JSON.parse(text); } catch { void 0; } finally { a = b ** 2, c >>>= 1; }
  outer: for (let i = 0, n = 10; i < n; i++) { do { if (i % 2) continue outer; } while (--n); }
  return a ?? (b && c) ?? d;
};
module.exports = { Queue, label, empty: null, count: 0x1f + 0b11 + 1_000n.toString().length };
