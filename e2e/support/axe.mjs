// axe-core on the page. The page's policy lets no script in; what a test evaluates needs no leave.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What keeps people out, as `rule: element`. */
export async function barriers(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(SOURCE);
  return page.evaluate(async () => {
    // Nothing but a rule on the orientation of screens reads style sheets, and it would load them again.
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'], elementRef: true, preload: false });
    // States of the tree, nodes of the graph and the chosen tile are called by their name, and the figures beside it are told in words
    // ("Ready, active, tick 7"): the rule wants all that is seen, also "7" alone. The name has to come first.
    const isCalledByName = ({ element }) =>
      element.matches('[role="treeitem"], .node, #tile-chosen') && element.getAttribute('aria-label').includes(element.querySelector('bdi, b')?.textContent.trim());
    const isKnown = (id, node) => id === 'label-content-name-mismatch' && isCalledByName(node);
    const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    const said = (node) => `${node.html.slice(0, 160)} (${node.any[0]?.message ?? node.all[0]?.message ?? node.none[0]?.message ?? ''})`;
    return grave.flatMap(({ id, nodes }) => nodes.filter((node) => !isKnown(id, node)).slice(0, 5).map((node) => `${id}: ${said(node)}`));
  });
}
