export default function Page() {
  return <p>Tokenlatch</p>;
}
