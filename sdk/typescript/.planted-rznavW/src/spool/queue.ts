// A first-in first-out list whose head goes in constant time: after a day without a server hundreds of thousands of batches wait.

export interface Queue<Item> {
  push(item: Item): void;
  first(): Item | undefined;
  shift(): void;
  head(count: number): Item[];
  /** Looks from the head: what is asked for is near it. */
  find(matches: (item: Item) => boolean): Item | undefined;
  remove(item: Item): void;
  items(): Item[];
}

/** Empty places at the head before they are given back. */
const SLACK = 1_024;

export function createQueue<Item>(): Queue<Item> {
  let list: (Item | undefined)[] = [];
  let start = 0;
  return {
    push: (item) => void list.push(item),
    first: () => list[start],
    shift() {
      if (start === list.length) return;
      list[start++] = undefined;
      if (start < list.length && (start < SLACK || start * 2 < list.length)) return;
      list = list.slice(start);
      start = 0;
    },
    head: (count) => list.slice(start, start + count) as Item[],
    find(matches) {
      for (let i = start; i < list.length; i++) if (matches(list[i] as Item)) return list[i];
      return undefined;
    },
    remove(item) {
      const at = list.indexOf(item, start);
      if (at >= 0) list.splice(at, 1);
    },
    items: () => list.slice(start) as Item[],
  };
}
