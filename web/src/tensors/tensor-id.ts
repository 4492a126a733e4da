// Which tensor is meant, among those of one kind: a name may be logged in training and in evaluation.

import type { Tensor } from "@gradwatch/server/api-types";

export const tensorId = ({ name, phase }: Tensor): string => `${phase} ${name}`;
