// Shows what is written while somebody looks. The page is whole without it.
const knop = document.getElementById('volg');
const lijst = document.getElementById('nieuw');
const stand = document.getElementById('volg-stand');
if (knop && lijst && stand) {
  knop.hidden = false;
  knop.addEventListener('click', () => {
    knop.disabled = true;
    stand.textContent = 'Wat er gebeurt verschijnt hieronder.';
    const bron = new EventSource('/volg');
    bron.addEventListener('message', (event) => {
      for (const zin of JSON.parse(event.data)) {
        const regel = document.createElement('li');
        regel.textContent = zin;
        lijst.prepend(regel);
      }
      while (lijst.children.length > 100) lijst.lastElementChild.remove();
    });
    bron.addEventListener('error', () => {
      // Going on by itself would be another look each time.
      bron.close();
      knop.disabled = false;
      stand.textContent = 'Het volgen is gestopt.';
    });
  });
}
