// The contrast of every text that is seen, by WCAG 2.1 (relative luminance); returns the poor ones.
const channels = (colour) => {
  const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
  return [r, g, b, a];
};
const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
const luminance = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((each) => {
    const value = each / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const background = (element) => {
  const layers = [];
  for (let each = element; each; each = each.parentElement) {
    const layer = channels(getComputedStyle(each).backgroundColor);
    layers.push(layer);
    if (layer[3] === 1) break;
  }
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
};
const isSeen = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
  && element.getClientRects().length > 0;
const poor = [];
let seen = 0;
const check = (element, colour, text) => {
  const behind = background(element);
  const [light, dark] = [luminance(over(channels(colour), behind)), luminance(behind)].sort((a, b) => b - a);
  const ratio = (light + 0.05) / (dark + 0.05);
  seen += 1;
  if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${element.className || element.tagName}: ${text.slice(0, 40)}`);
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim();
  const element = walker.currentNode.parentElement;
  if (text && isSeen(element) && !["SCRIPT", "NOSCRIPT", "OPTION"].includes(element.tagName)) {
    check(element, getComputedStyle(element).color, text);
  }
}
for (const element of document.querySelectorAll("input, select, [data-label]")) {
  if (!isSeen(element)) continue;
  if (element.placeholder) check(element, getComputedStyle(element, "::placeholder").color, element.placeholder);
  else if (element.dataset.label) check(element, getComputedStyle(element, "::before").color, element.dataset.label);
  else check(element, getComputedStyle(element).color, element.value ?? "");
}
return { poor, seen };
