"""Whether the text of a page stands out from its ground, as WCAG's level AA asks: 4.5 to 1."""

from playwright.sync_api import Page

_TOO_LOW = """() => {
    const luminance = colour => {
        const [r, g, b] = colour.map(part => part / 255).map(
            part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const parts = text => {
        const [r, g, b, alpha = 1] = text.match(/[\\d.]+/g).map(Number)
        return {colour: [r, g, b], alpha}
    }
    const over = ({colour, alpha}, ground) => colour.map((part, each) => alpha * part + (1 - alpha) * ground[each])
    const behind = element => {
        if (!element) return [255, 255, 255]
        const own = parts(getComputedStyle(element).backgroundColor)
        return own.alpha === 1 ? own.colour : over(own, behind(element.parentElement))
    }
    return [...document.querySelectorAll("body *")].filter(element => {
        const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())
        if (!own || !element.checkVisibility({opacityProperty: true, visibilityProperty: true})) return false
        const under = behind(element)
        const text = luminance(over(parts(getComputedStyle(element).color), under))
        const ground = luminance(under)
        return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05) < 4.5
    }).map(element => element.outerHTML.slice(0, 200))
}"""


def hard_to_read(page: Page) -> list[str]:
    """Return the elements whose text does not, as they are written."""
    found: list[str] = page.evaluate(_TOO_LOW)
    return found
