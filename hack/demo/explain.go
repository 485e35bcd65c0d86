package main

import "fmt"

func (d *demo) explain() {
	idp := d.cluster.URL("idp", "identity")
	api := d.cluster.URL("coordination-api", "ics-qop")
	fmt.Printf("Dashboards (open one, sign in as lead.qop, lead.qsl or lead.z9b2z with password demo):\n")
	for _, a := range activities {
		fmt.Printf("  %s\n", d.cluster.URL("dashboard", "ics-"+a.tenant))
	}
	fmt.Printf(`
The API's description:
  %s/openapi.json

Make a referral (an invented person):
  TOKEN=$(curl -s -u referrals-qop:demo -d grant_type=client_credentials %s/oauth/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -s %s/v1/referrals -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{
    "person": {"nhsNumber": "999 123 4578", "givenName": "Robin", "familyName": "Example", "birthDate": "1990-05-17"},
    "service": "salford-core", "route": "Self", "reason": "Asks for help.", "receivedOn": "'$(date +%%F)'"}'

Look around:
  export KUBECONFIG=%s
  %s get ics,ccs -A
  %s describe ics qop

Stop it all, data included:
  make demo-down
`, api, idp, api, d.kubeconfig, d.kubectl, d.kubectl)
}
