// Orders of a shop, for the sake of the syntax.
import { readFile, type Stats } from "node:fs/promises";
import * as path from "node:path";

export type Id<T extends string = "id"> = `${T}-${number}`;
export interface Order<in out T = unknown> extends Iterable<T> {
  readonly id: Id;
  lines?: Array<{ sku: string; count: number }>;
  [key: string]: unknown;
  total(this: Order<T>, discount?: number): bigint | undefined;
}

declare const brand: unique symbol;
export const enum State { Open = 1, Paid = Open << 1, Closed = "closed".length }

abstract class Base<T> implements PromiseLike<T> {
  static #count = 0;
  protected constructor(public readonly name: string, private value: T) { Base.#count++; }
  abstract describe(): string;
  get size(): number { return this.name.length; }
  set size(next) { void next; }
  then<A = T, B = never>(ok?: ((value: T) => A | PromiseLike<A>) | null): PromiseLike<A | B> {
    return Promise.resolve(this.value).then(ok as never);
  }
  static { Base.#count = 0; }
}

export default class Shop extends Base<Order[]> {
  override describe = (): string => `${this.name}: ${this.size > 1 ? "many" : `one ${1 + 1}`}`;
  async *orders(limit = 10, ...rest: string[]): AsyncGenerator<Order, void, undefined> {
    outer: for (let index = 0; index < limit; index += 1) {
      for await (const line of [1, 2]) { if (line === 2) continue outer; }
      try { yield { id: `id-${index}`, lines: [] } as unknown as Order; }
      catch (error: unknown) { if (error instanceof Error) throw error; break; }
      finally { rest.pop(); }
    }
  }
}

function pick<K extends keyof Order, V = Order[K]>(order: Order, key: K): V | null {
  const { id, lines: [first, ...others] = [], ...more } = order;
  switch (key) {
    case "id": return (id ?? first?.sku ?? null) as V;
    case "lines": { others.forEach(({ sku }) => sku.replace(/[/"]+\w*/gi, "")); break; }
    default: delete more["x"];
  }
  let n: number | undefined; n ??= 0x1f + 1_000 ** 2; n = -n! >>> 1;
  do { n--; } while (n > 0 && !(n % 7 == 0));
  return key in order ? (order[key] as V) : null;
}

type Keys<T> = { -readonly [K in keyof T as `get${string & K}`]?: T[K] extends infer U ? U : never };
namespace Inner { export const x = <T,>(value: T): T => value; }
export { pick, Inner as Other, type Keys };
export const size = async (file: string): Promise<Stats["size"] | number> => (await readFile(path.join(file))).length;
