import type { TensorSummaryValues } from "../types.ts";
export function summarize(values: ArrayLike<number>): TensorSummaryValues {
  let nan=0,pi=0,ni=0,zero=0,neg=0,pos=0,min=Infinity,max=-Infinity,sum=0,sq=0,ab=0;
  for (let i=0;i<values.length;i++){const v=values[i]!; if(v!==v)nan++;else if(v===Infinity)pi++;else if(v===-Infinity)ni++;else{ if(v===0)zero++;else if(v<0)neg++;else pos++; if(v<min)min=v;if(v>max)max=v;sum+=v;sq+=v*v;ab+=Math.abs(v);} }
  return {count:values.length,nan,positiveInfinity:pi,negativeInfinity:ni,zero,negative:neg,positive:pos,...(zero+neg+pos>0?{min,max}:{}),sum,sumSquares:sq,sumAbsolute:ab};
}
