// Pairs of numbers, a line each: what a thing takes without heapward, and with it. Prints the median of the ratios
// (with / without), the upper bound of that median, and the same for the differences.
// The bound is the order statistic of a one-sided sign test: the smallest k for which the k-th smallest of n ratios is above
// the true median with at least 95 % certainty, P(Binomial(n, 1/2) < k) >= 0.95. It assumes that pairs are independent, and
// nothing of how they are distributed. usage: median.js NAME UNIT < pairs
'use strict';
const [name, unit] = process.argv.slice(2);
const pairs = require('node:fs').readFileSync(0, 'utf8').trim().split('\n').map((line) => line.split(' ').map(Number));

function bound(count, certainty) {
  let below = 0;
  let chance = 0.5 ** count; // of exactly k below the median
  for (let k = 0; k <= count; k++) {
    below += chance;
    if (below >= certainty) return k < count ? k : null; // index of the (k+1)-th smallest
    chance *= (count - k) / (k + 1);
  }
  return null;
}

function about(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const half = sorted.length / 2;
  const median = Number.isInteger(half) ? (sorted[half - 1] + sorted[half]) / 2 : sorted[Math.floor(half)];
  const index = bound(sorted.length, 0.95);
  return [median, index === null ? NaN : sorted[index]];
}

const show = (value, digits) => (Number.isNaN(value) ? 'too few pairs' : value.toFixed(digits));
const [ratio, ratioBound] = about(pairs.map(([without, with_]) => with_ / without));
const [difference, differenceBound] = about(pairs.map(([without, with_]) => with_ - without));
const [without] = about(pairs.map((pair) => pair[0]));
console.log(`${name}: ${pairs.length} pairs, median without ${without.toFixed(2)} ${unit}; ` +
  `median ratio ${show(ratio, 4)}, upper 95 % bound ${show(ratioBound, 4)}; ` +
  `median difference ${show(difference, 2)} ${unit}, upper 95 % bound ${show(differenceBound, 2)}`);
