// The width of an element in CSS pixels, followed as it changes: canvases need it as a number.

import { type RefObject, useEffect, useRef, useState } from "react";

export function useWidth<Tag extends HTMLElement>(): readonly [RefObject<Tag | null>, number] {
  const ref = useRef<Tag>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
