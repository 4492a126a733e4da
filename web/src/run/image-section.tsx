// Pictures that the run logged: of every name one, at a step of choice.

import type { ImageInfo } from "@gradwatch/server/api-types";
import { type ReactNode, useState } from "react";
import { imageAddress, useImages } from "../api/queries.ts";
import { type RunRef, refKey } from "../routes.ts";

/** Small pictures, such as filters, are drawn this tall at least. */
const HEIGHT_MIN = 96;

export function ImageSection({ of: ref }: { readonly of: RunRef }): ReactNode {
  const images = useImages(ref);
  // Most runs have none: no heading for nothing.
  if (images.data === undefined || images.data.length === 0) return null;
  const groups = [...Map.groupBy(images.data, ({ name }) => name)];
  return (
    <section aria-labelledby="images-title">
      <h2 id="images-title">Images</h2>
      <div className="images">
        {groups.map(([name, group]) => (
          <ImageOverTime
            key={`${refKey(ref)} ${name}`}
            of={ref}
            name={name}
            images={group.toSorted((a, b) => a.step - b.step || a.rank - b.rank)}
          />
        ))}
      </div>
    </section>
  );
}

interface ImageOverTimeProps {
  readonly of: RunRef;
  readonly name: string;
  /** By ascending step. */
  readonly images: readonly ImageInfo[];
}

function ImageOverTime({ of: ref, name, images }: ImageOverTimeProps): ReactNode {
  /** Undefined: the newest, whichever that is by now. */
  const [chosen, setChosen] = useState<number | undefined>(undefined);
  const index = Math.min(chosen ?? images.length - 1, images.length - 1);
  const image = images[index];
  if (image === undefined) return null;
  const { step, rank, width, height, caption } = image;
  const scale = Math.max(1, Math.ceil(HEIGHT_MIN / height));
  return (
    <figure data-testid="image">
      <img
        src={imageAddress(ref, image)}
        width={width * scale}
        height={height * scale}
        alt={caption === "" ? `${name} at step ${step}` : caption}
        className={scale > 1 ? "pixels" : ""}
      />
      <figcaption>
        <strong>{name}</strong> step {step}
        {rank === 0 ? "" : `, rank ${rank}`}
        {caption === "" ? null : <span className="muted"> {caption}</span>}
        {images.length === 1 ? null : (
          <input
            type="range"
            min={0}
            max={images.length - 1}
            value={index}
            aria-label={`Step of ${name}`}
            aria-valuetext={`step ${step}`}
            onChange={(event) => setChosen(Number(event.target.value))}
          />
        )}
      </figcaption>
    </figure>
  );
}
